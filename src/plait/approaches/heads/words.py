"""What a head predicts by its probabilities: a label, labels that apply, or spans of a text."""

from collections.abc import Sequence

from plait.approaches.labelling import applying
from plait.approaches.probabilities import Array
from plait.approaches.tagging import best_spans
from plait.segmentation import Place
from plait.tasks import LabelPrediction, SetPrediction, Span, Task


def choice(task: Task, probabilities: Array) -> LabelPrediction:
    """The most probable label of (classes)."""
    found = dict(zip(task.labels, probabilities.tolist(), strict=True))
    return LabelPrediction(task.labels[int(probabilities.argmax())], found)


def several(task: Task, probabilities: Array, thresholds: Array) -> SetPrediction:
    """The labels of (labels) that reach their thresholds."""
    return applying(task, probabilities, thresholds)


def spans(task: Task, probabilities: Array, words: Sequence[tuple[int, Place]]) -> tuple[Span, ...]:
    """Spans of (length × classes)."""
    positions = [position for position, _ in words]
    return best_spans(probabilities[positions], [place for _, place in words], task.labels)
