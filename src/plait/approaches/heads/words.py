"""What a head learns and predicts: a label, marks of labels, or a tag for each word of a text."""

from collections.abc import Sequence

from torch import Tensor

from plait.approaches.labelling import applying, marks
from plait.approaches.tagging import best_spans, spans_to_tags
from plait.segmentation import Place
from plait.tasks import LabelPrediction, Row, SetPrediction, Span, Task, is_spans
from plait.training.batches import IGNORED


def targets_of(task: Task, row: Row, words: Sequence[tuple[int, Place]]) -> list[int]:
    """The class of the row, 1 or 0 for each label of a multilabel task, or a class for each token
    (IGNORED except on one token of each word).
    """
    label = row.labels.get(task.field)
    if task.kind == "multilabel":
        return [IGNORED] * len(task.labels) if label is None else list(map(int, marks(task, label)))
    if task.kind == "classification":
        return [task.labels.index(str(label)) if label in task.labels else IGNORED]
    length = words[-1][0] + 1 if words else 1
    targets = [IGNORED] * length
    if is_spans(label):
        known = [span for span in label if span.label in task.labels]
        tags = spans_to_tags(known, [place for _, place in words], task.labels)
        for (position, _), tag in zip(words, tags, strict=True):
            targets[position] = tag
    return targets


def choice(task: Task, probabilities: Tensor) -> LabelPrediction:
    """The most probable label of (classes)."""
    found = dict(zip(task.labels, probabilities.tolist(), strict=True))
    return LabelPrediction(task.labels[int(probabilities.argmax())], found)


def several(task: Task, probabilities: Tensor, thresholds: Tensor) -> SetPrediction:
    """The labels of (labels) that reach their thresholds."""
    return applying(task, probabilities.numpy(), thresholds.cpu().numpy())


def spans(
    task: Task, probabilities: Tensor, words: Sequence[tuple[int, Place]]
) -> tuple[Span, ...]:
    """Spans of (length × classes)."""
    positions = [position for position, _ in words]
    return best_spans(probabilities[positions].numpy(), [place for _, place in words], task.labels)
