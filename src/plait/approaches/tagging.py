"""Spans ↔ one tag a token (IOB2): `O` is class 0, `B-x` and `I-x` follow in the order of labels."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plait.tasks import Span, Task

OUTSIDE = 0
Array = NDArray[np.floating[Any]]


def tag_names(labels: Sequence[str]) -> list[str]:
    """`["O", "B-a", "I-a", "B-b", …]`: the classes of a tagging task, by index."""
    return ["O", *(f"{prefix}-{label}" for label in labels for prefix in "BI")]


def classes(task: Task) -> list[str]:
    """Names of the classes that a task's model scores."""
    return list(task.labels) if task.whole_text else tag_names(task.labels)


def spans_to_tags(
    spans: Sequence[Span], tokens: Sequence[tuple[int, int]], labels: Sequence[str]
) -> list[int]:
    """Class of each token, given as (start, end) characters; a token belongs to the span that it
    begins in, and the first such token carries `B-`.
    """
    begin = {label: 1 + 2 * index for index, label in enumerate(labels)}
    tags = [OUTSIDE] * len(tokens)
    for span in spans:
        inside = [i for i, (start, _) in enumerate(tokens) if span.start <= start < span.end]
        for position, token in enumerate(inside):
            tags[token] = begin[span.label] + (position > 0)
    return tags


def best_spans(
    probabilities: Array, tokens: Sequence[tuple[int, int]], labels: Sequence[str]
) -> tuple[Span, ...]:
    """Spans of the most probable well-formed tags, in order.

    A span's probability is the mean of its tokens' probabilities.

    Args:
        probabilities: shape (tokens, classes).
        tokens: (start, end) characters of each.
    """
    tags = best_tags(probabilities)
    found = [float(row[tag]) for row, tag in zip(probabilities, tags, strict=True)]
    return tuple(
        Span(
            tokens[first][0],
            tokens[last][1],
            labels[tags[first] // 2],
            sum(found[first : last + 1]) / (last + 1 - first),
        )
        for first, last in _runs(tags)
    )


def best_tags(probabilities: Array) -> list[int]:
    """The most probable sequence of classes in which each `I-x` follows `B-x` or `I-x`.

    Tokens count as independent of one another but for that (Viterbi 1967; Forney 1973, "The Viterbi
    algorithm"). Shape of probabilities: (tokens, classes).
    """
    likeliest: list[int] = probabilities.argmax(1).tolist()
    return likeliest if _well_formed(likeliest) else _viterbi(probabilities)


def _well_formed(tags: Sequence[int]) -> bool:
    return all(
        tag % 2 or tag == OUTSIDE or before in (tag - 1, tag)
        for before, tag in pairwise([OUTSIDE, *tags])
    )


def _viterbi(probabilities: Array) -> list[int]:
    logs = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    inside = np.arange(2, logs.shape[1], 2)
    scores = logs[0].copy()  # of the best sequence that ends in each class
    scores[inside] = -np.inf
    steps = []
    for row in logs[1:]:
        before = np.full(len(row), scores.argmax())
        before[inside] = np.where(scores[inside] > scores[inside - 1], inside, inside - 1)
        scores = scores[before] + row
        steps.append(before)
    tags = [int(scores.argmax())]
    for before in reversed(steps):
        tags.append(int(before[tags[-1]]))
    return tags[::-1]


def _runs(tags: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last token of each span of well-formed tags."""
    for first, tag in enumerate(tags):
        if tag % 2:
            last = first
            while last + 1 < len(tags) and tags[last + 1] == tag + 1:
                last += 1
            yield first, last
