"""What a head learns of a row: a label's class, marks of labels, or a tag for each word."""

from collections.abc import Sequence

from plait.approaches.labelling import marks
from plait.approaches.tagging import spans_to_tags
from plait.segmentation import Place
from plait.tasks import Row, Task, is_spans
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
