"""Promotion: the winning plan of each service becomes its champion, or a reason why not.

`plait.plans.verdict` says which plan of an experiment wins. Here the winner meets the champion:
measured on the same held-out rows it must have the better mean headline metric; measured on others
it can't be compared, and the gates and the floor alone decide.
"""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from plait import bundle
from plait.errors import PlaitError
from plait.experiment.schema import Experiment
from plait.files import read_json, read_jsonl, sha256
from plait.plans.registry import Record, Registry
from plait.plans.seeds import siblings
from plait.plans.verdict import Scores, Verdict, answered_by, judge
from plait.plans.wording import RULE
from plait.scores.differences import ROUNDING
from plait.scores.row_results import RowResults, row_results
from plait.validation.gates import GATES, stopped


@dataclass(frozen=True)
class Decision:
    """The decision about one service; `record` is the champion's, or the refused plan's."""

    service: str
    status: Literal["promoted", "unchanged", "refused"]
    reason: str
    record: Record


def promote(experiment: Experiment, root: Path) -> list[Decision]:
    """Promote the winning plan of each service of an experiment that has been run in `root`.

    Plans whose candidates validation has stopped are out; the others go on.
    Promotions wait for one another. A failure leaves the champion as it was.

    Raises:
        PlaitError: scores or bundles are missing or don't belong together, no space on the disk,
            or another promotion doesn't end.
    """
    registry = Registry(root)
    out = stopped(root / GATES, experiment.candidates)
    services = experiment.without(out).services.values()
    plans = [names for service in services for names in service.plans.values()]
    candidates = dict.fromkeys(name for names in plans for name in names)
    scores = {name: _scores(root, name) for name in candidates}
    seeds = [name for own in candidates for name in siblings(experiment, own).values()]
    rows = {name: _row_results(experiment, root, name) for name in dict.fromkeys(seeds)}
    with _champions_stay(registry), registry.lock():
        return [
            _settle(judge(experiment, service, scores, rows, out), experiment, scores, root)
            for service in experiment.services
        ]


@contextmanager
def _champions_stay(registry: Registry) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise PlaitError(
            f"{registry.folder}: the promotion could not be written: {error.strerror or error}"
            f"{where}. The champion and its bundles are as they were. Free some disk space, or "
            "mend the folder's permissions, and run `plait promote`."
        ) from error


def _settle(verdict: Verdict, experiment: Experiment, scores: Scores, root: Path) -> Decision:
    registry, service = Registry(root), verdict.service
    champion = registry.champion(service)
    draft = _draft(experiment, verdict, scores, root)
    metrics = {task: experiment.tasks[task].headline() for task in draft.tasks}
    status, why = _compare(registry, draft, champion, metrics)
    rule = RULE if verdict.comparisons else ""
    draft = replace(
        draft,
        reason=" ".join(filter(None, (verdict.sentence, rule, why))),
        replaces=champion.number if champion else None,
    )
    if status == "refused":
        return Decision(service, status, draft.reason, registry.write(draft))
    for candidate in draft.bundles:
        registry.add(root / "models" / candidate)
    if status == "unchanged" and champion:
        return Decision(service, status, draft.reason, champion)
    kept = registry.write(replace(draft, outcome="promoted"))
    registry.point(kept)
    return Decision(service, "promoted", kept.reason, kept)


def _compare(
    registry: Registry, draft: Record, champion: Record | None, metrics: Mapping[str, str]
) -> tuple[Literal["promoted", "unchanged", "refused"], str]:
    """Compare the winner with the champion; also returns the reason in words."""
    if draft.plan is None:
        return "refused", "The champion stays." if champion else "The service has no champion."
    if champion is None:
        return "promoted", "It is the service's first champion."
    name = f"the champion (decision {champion.number}, plan {champion.plan})"
    if _bundle_by_task(draft) == _bundle_by_task(champion):
        return "unchanged", f"It is {name} already."
    damaged = [digest for digest in champion.bundles.values() if not registry.intact(digest)]
    if damaged:
        return "promoted", f"It replaces {name}, whose bundle {damaged[0]} is damaged."
    if draft.heldout != champion.heldout or not _has(champion, metrics):
        return "promoted", (
            f"It replaces {name}, which was measured on other held-out rows and can't be compared: "
            "gates and floor alone decide."
        )
    new, old = _mean(draft, metrics), _mean(champion, metrics)
    if new > old + ROUNDING:
        return "promoted", f"It replaces {name}: {_percent(old)} on the same held-out rows."
    return "refused", (
        f"But its mean {_percent(new)} isn't better than {_percent(old)} of {name} on the same "
        "held-out rows: the champion stays."
    )


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def _bundle_by_task(record: Record) -> dict[str, str]:
    return {task: record.bundles[candidate] for task, candidate in record.tasks.items()}


def _has(record: Record, metrics: Mapping[str, str]) -> bool:
    return all(metric in record.scores.get(task, {}) for task, metric in metrics.items())


def _mean(record: Record, metrics: Mapping[str, str]) -> float:
    return sum(record.scores[task][metric] for task, metric in metrics.items()) / len(metrics)


def _draft(experiment: Experiment, verdict: Verdict, scores: Scores, root: Path) -> Record:
    """The winner of a verdict as a record, refused until shown otherwise."""
    draft = Record(
        service=verdict.service,
        outcome="refused",
        reason=verdict.sentence,
        rejected=verdict.rejected,
        source=_source(root),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    if verdict.winner is None:
        return draft
    details = {name: _details(root, name) for name in verdict.candidates}
    tasks = {
        task: answered_by(experiment, verdict.candidates, task)
        for task in experiment.services[verdict.service].tasks
    }
    return replace(
        draft,
        plan=verdict.winner,
        tasks=tasks,
        bundles={
            name: _measured(root, name, details[name]) for name in sorted(set(tasks.values()))
        },
        scores={task: dict(scores[name][task]) for task, name in tasks.items()},
        heldout={task: details[name]["heldout"][task] for task, name in tasks.items()},
    )


def _scores(root: Path, candidate: str) -> Any:
    return _output(root / "scores" / f"{candidate}.json", candidate)


def _details(root: Path, candidate: str) -> Any:
    return _output(root / "predictions" / candidate / "details.json", candidate)


def _row_results(experiment: Experiment, root: Path, candidate: str) -> dict[str, RowResults]:
    """A candidate's answers row by row, by task."""
    folder = root / "predictions" / candidate
    tasks = {name: experiment.tasks[name] for name in experiment.candidates[candidate].tasks}
    lines = {
        dataset: list(read_jsonl(_there(folder / f"{dataset}.jsonl", candidate)))
        for dataset in {task.dataset for task in tasks.values()}
    }
    return {name: row_results(lines[task.dataset], name) for name, task in tasks.items()}


def _output(path: Path, candidate: str) -> Any:
    return read_json(_there(path, candidate))


def _there(path: Path, candidate: str) -> Path:
    if not path.is_file():
        raise PlaitError(
            f"{path}: no such file, so candidate {candidate!r} can't be judged. Run `plait run`."
        )
    return path


def _measured(root: Path, candidate: str, details: Mapping[str, Any]) -> str:
    """The digest of a candidate's bundle, which must be the one that was benchmarked."""
    folder = root / "models" / candidate
    if not folder.is_dir():
        raise PlaitError(f"{folder}: no such bundle, so it can't be promoted. Run `plait run`.")
    digest = bundle.digest(folder)
    if digest != details["bundle"]:
        raise PlaitError(
            f"{folder}: found bundle {digest}, but scores/{candidate}.json was measured on "
            f"{details['bundle']}. Run `dvc repro benchmark@{candidate}`, then `plait promote`."
        )
    return digest


def _source(root: Path) -> dict[str, Any]:
    """Where a decision came from: git revision, whether the tree had changes, dvc.lock's sha256."""
    lock = root / "dvc.lock"
    status = _git(root, "status", "--porcelain")
    return {
        "revision": _git(root, "rev-parse", "HEAD"),
        "changed": None if status is None else bool(status),
        "dvc_lock": sha256(lock) if lock.is_file() else None,
    }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
