"""The champion as a rival: its answers to the winner's held-out rows, and its size.

Answers are kept at each promotion. To rows that it has not been asked, the champion's own bundles
answer now, by the code of the benchmark.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open

from plait import bundle
from plait.benchmark.heldout import answer, rows_digests
from plait.errors import PlaitError
from plait.plans.verdict import Contender
from plait.registry.records import Record
from plait.registry.store import Registry
from plait.scores.row_results import kept_results
from plait.tasks import (
    LabelPrediction,
    Prediction,
    Row,
    SetPrediction,
    Task,
    label_to_json,
    read_rows,
)

Lines = list[Mapping[str, Any]]
"""`{"id", "gold", "answer"}` of each held-out row of a task."""


class Incomparable(Exception):  # noqa: N818 - a finding, and not a failure
    """Why a champion and a winner can't be compared; the message is a clause."""


class Rivals:
    """Champions' answers to the held-out rows of the project in `root`, each asked once.

    Those that were asked here are in memory until `keep`: so nothing is written, and no lock held,
    while a model answers.
    """

    def __init__(self, registry: Registry, root: Path, tasks: Iterable[Task]) -> None:
        self.registry, self.root = registry, root
        self.tasks = {task.name: task for task in tasks}
        self._asked: dict[tuple[str, str], Lines] = {}

    def contender(self, champion: Record, winner: Record, metrics: Mapping[str, str]) -> Contender:
        """The champion with its answers to the held-out rows of a winner.

        Args:
            metrics: task → headline metric.

        Raises:
            Incomparable: it lacks a task, or its bundles are damaged or of another version.
        """
        if lacking := [task for task in winner.tasks if task not in champion.tasks]:
            raise Incomparable(f"it doesn't answer {' and '.join(lacking)}")
        for digest in champion.bundles.values():
            if not self.registry.intact(digest):
                raise Incomparable(
                    f"its bundle {digest} is missing or damaged (`plait registry verify` says how "
                    "to mend it)"
                )
        results = {task: kept_results(self._lines(champion, winner, task)) for task in winner.tasks}
        return Contender(
            "the champion", tuple(champion.bundles), {}, dict(metrics), row_results=results
        )

    def keep(self) -> None:
        """Keep what was asked in the registry, whose lock is held."""
        for (digest, rows), lines in self._asked.items():
            if self.registry.answers(digest, rows) is None:
                self.registry.keep_answers(digest, rows, lines)

    def _lines(self, champion: Record, winner: Record, task: str) -> Lines:
        digest = champion.bundles[champion.tasks[task]]
        key = (digest, winner.heldout[task])
        kept = self._asked.get(key) or self.registry.answers(*key)
        if kept is None:
            self._ask(digest, winner)
            kept = self._asked.get(key)
        if kept is None:
            raise Incomparable(f"its bundle {digest} doesn't answer {task}")
        return kept

    def _ask(self, digest: str, winner: Record) -> None:
        """Let a bundle answer the held-out rows of all tasks of a winner that are its own, too."""
        try:
            candidate, model = bundle.load(self.registry.bundle(digest))
        except PlaitError as error:
            raise Incomparable(f"its bundle can't be loaded ({error})") from error
        own = {task.name: task for task in candidate.tasks}
        done: dict[tuple[str, ...], Mapping[str, Sequence[Prediction]]] = {}
        for name in [task for task in winner.tasks if task in own]:
            task = self.tasks[name]
            if task.kind != own[name].kind:
                raise Incomparable(f"its task {name} is of another kind, {own[name].kind}")
            rows = self._rows(winner.tasks[name], task, winner.heldout[name])
            key = (own[name].dataset, *(row.text for row in rows))
            if key not in done:
                done[key] = answer(candidate, model, {own[name].dataset: rows})
            lines = list(_lines_of(task, rows, done[key][name]))
            self._asked[digest, winner.heldout[name]] = lines

    def _rows(self, candidate: str, task: Task, pin: str) -> list[Row]:
        """The held-out rows of a task of a candidate.

        Raises:
            PlaitError: they are missing, or not those that were scored.
        """
        path = self.root / "heldout" / candidate / f"{task.dataset}.jsonl"
        rows = read_rows(path) if path.is_file() else []
        found = rows_digests([task], {task.dataset: rows})[task.name]
        if found != pin:
            what = f"rows with sha256 {found}" if rows else "no rows"
            raise PlaitError(
                f"{path}: found {what}, but predictions/{candidate} was made on rows with {pin}. "
                "Run `plait run`."
            )
        return rows


def _lines_of(task: Task, rows: Iterable[Row], answers: Iterable[Prediction]) -> Iterator[Any]:
    for row, found in zip(rows, answers, strict=True):
        gold = label_to_json(row.labels.get(task.field))
        yield {"id": row.id, "gold": gold, "answer": _plain(found)}


def _plain(answer: Prediction) -> Any:
    if isinstance(answer, LabelPrediction):
        return answer.label
    return label_to_json(answer.labels if isinstance(answer, SetPrediction) else answer)


def parameters(folders: Iterable[Path]) -> int:
    """The numbers in all weights of some bundles: the cost of a plan that no machine changes.

    0 where a bundle has no weights of its own, such as one that asks an endpoint.
    """
    counts = [sum(map(_numbers, sorted(folder.rglob("*.safetensors")))) for folder in folders]
    return sum(counts) if all(counts) else 0


def _numbers(path: Path) -> int:
    with safe_open(path, framework="numpy") as weights:
        return sum(math.prod(weights.get_slice(key).get_shape()) for key in weights.keys())  # noqa: SIM118
