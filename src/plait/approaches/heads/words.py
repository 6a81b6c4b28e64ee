"""Words and their first sub-words: what a tagging head learns from and answers."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from plait.batches import IGNORED
from plait.tagging import spans_to_tags, tags_to_spans
from plait.tasks import Choice, Row, Span, Task

Place = tuple[int, int]


def first_tokens(encoding: Any, i: int, text: str) -> list[tuple[int, Place]]:
    """For each word of text `i`: its first token's position, and its (start, end) characters."""
    found: list[tuple[int, Place]] = []
    previous = None
    for position, word in enumerate(encoding.word_ids(i)):
        if word is not None and word != previous:
            span = encoding.word_to_chars(i, word)
            start = span.start
            while start < span.end - 1 and text[start].isspace():
                start += 1
            found.append((position, (start, span.end)))
        previous = word
    return found


def targets_of(task: Task, row: Row, words: Sequence[tuple[int, Place]]) -> list[int]:
    """Class of the row, or one class a token (IGNORED but on the first sub-words)."""
    label = row.labels.get(task.field)
    if task.kind == "classification":
        return [task.labels.index(str(label)) if label in task.labels else IGNORED]
    length = words[-1][0] + 1 if words else 1
    targets = [IGNORED] * length
    if isinstance(label, tuple):
        known = [span for span in label if span.label in task.labels]
        tags = spans_to_tags(known, [place for _, place in words], task.labels)
        for (position, _), tag in zip(words, tags, strict=True):
            targets[position] = tag
    return targets


def choice(task: Task, probabilities: Tensor) -> Choice:
    """The most probable label of (classes)."""
    found = dict(zip(task.labels, probabilities.tolist(), strict=True))
    return Choice(task.labels[int(probabilities.argmax())], found)


def spans(
    task: Task, probabilities: Tensor, words: Sequence[tuple[int, Place]]
) -> tuple[Span, ...]:
    """Spans of (length × classes)."""
    best, tags = probabilities[[position for position, _ in words]].max(-1)
    return tags_to_spans(tags.tolist(), best.tolist(), [place for _, place in words], task.labels)
