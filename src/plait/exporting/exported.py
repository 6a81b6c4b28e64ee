"""What is exported, and what the check of an export found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.approaches.base import Resolved
from plait.errors import PlaitError, did_you_mean
from plait.tasks import LabelPrediction, Prediction, SetPrediction, Span, Task, is_spans

CLOSE = 1e-4
"""The most that a probability may differ from plait's."""


@dataclass(frozen=True)
class Exported:
    """Tasks of a bundle.

    Attributes:
        bundle: its folder.
        tasks: those that are exported.
        origin: where the backbone comes from, in Markdown; empty where that isn't known.
    """

    candidate: Resolved
    bundle: Path
    tasks: tuple[Task, ...]
    origin: str = ""

    def index(self, task: Task) -> int:
        """The place of a task among all tasks of the bundle."""
        return self.candidate.tasks.index(task)


@dataclass(frozen=True)
class Comparison:
    """How answers of an export compare with plait's.

    Attributes:
        texts: how many were answered.
        largest: the largest difference of a probability.
        said: further findings, a sentence each.
    """

    texts: int
    largest: float
    said: tuple[str, ...] = ()


def chosen(candidate: Resolved, task: str | None, single: bool) -> tuple[Task, ...]:
    """The tasks to export: the one that is named, or all.

    Raises:
        PlaitError: no such task, or several where one is needed.
    """
    names = [each.name for each in candidate.tasks]
    if task is None and single and len(names) > 1:
        raise PlaitError(
            f"--task: candidate {candidate.name!r} answers {', '.join(names)}, and an export of "
            f"this format one task. Name one, as in `--task {names[0]}`."
        )
    if task is not None and task not in names:
        raise PlaitError(
            f"--task: candidate {candidate.name!r} has no task {task!r}{did_you_mean(task, names)}"
        )
    return tuple(each for each in candidate.tasks if task in (None, each.name))


def furthest(found: Sequence[Mapping[str, Any]], own: Sequence[Prediction]) -> float:
    """The largest difference of a label's probability; infinite where an answer is another.

    Args:
        found: by text `probabilities` of each label, and `label` or `labels`.
    """
    worst = 0.0
    for answer, wanted in zip(found, own, strict=True):
        if isinstance(wanted, tuple) or not _same(answer, wanted):
            return float("inf")
        known = wanted.probabilities.items()
        worst = max([worst, *(abs(answer["probabilities"][name] - p) for name, p in known)])
    return worst


def _same(answer: Mapping[str, Any], own: LabelPrediction | SetPrediction) -> bool:
    """Whether an answer names the same labels."""
    if answer["probabilities"].keys() != own.probabilities.keys():
        return False
    if isinstance(own, SetPrediction):
        return tuple(answer["labels"]) == own.labels
    return bool(answer["label"] == own.label) or _tied(own)


def _tied(answer: LabelPrediction) -> bool:
    """Whether rounding may decide between the two most probable labels."""
    first, second = sorted(answer.probabilities.values(), reverse=True)[:2]
    return first - second < CLOSE


def furthest_span(found: Sequence[Sequence[Mapping[str, Any]]], own: Sequence[Prediction]) -> float:
    """The largest difference of a span's probability; infinite where spans are others.

    Args:
        found: by text the spans, with `start`, `end`, `label` and `probability`.
    """
    worst = 0.0
    for spans, wanted in zip(found, own, strict=True):
        if not is_spans(wanted) or [Span(s["start"], s["end"], s["label"]) for s in spans] != [
            *wanted
        ]:
            return float("inf")
        pairs = zip(spans, wanted, strict=True)
        worst = max([worst, *(abs(s["probability"] - w.probability) for s, w in pairs)])
    return worst
