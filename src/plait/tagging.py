"""Spans ↔ one tag a token (IOB2): `O` is class 0, `B-x` and `I-x` follow in the order of labels."""

from collections.abc import Iterator, Sequence

from plait.tasks import Span

OUTSIDE = 0


def tag_names(labels: Sequence[str]) -> list[str]:
    """`["O", "B-a", "I-a", "B-b", …]`: the classes of a tagging task, by index."""
    return ["O", *(f"{prefix}-{label}" for label in labels for prefix in "BI")]


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


def tags_to_spans(
    tags: Sequence[int],
    probabilities: Sequence[float],
    tokens: Sequence[tuple[int, int]],
    labels: Sequence[str],
) -> tuple[Span, ...]:
    """Spans of a predicted tag sequence, in order.

    A stray `I-x` (after `O` or another type) opens a span: a model that has seen the type has
    answered it, and strict scoring decides whether its borders are right. A span's probability is
    the mean of its tokens' probabilities.
    """
    return tuple(
        Span(
            tokens[first][0],
            tokens[last][1],
            labels[(tags[first] - 1) // 2],
            sum(probabilities[first : last + 1]) / (last + 1 - first),
        )
        for first, last in _runs(tags)
    )


def _runs(tags: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last token of each span."""
    first: int | None = None
    for i, tag in enumerate([*tags, OUTSIDE]):
        goes_on = first is not None and tag != OUTSIDE and tag == tags[first] + tags[first] % 2
        if first is not None and not goes_on:
            yield first, i - 1
            first = None
        if first is None and tag != OUTSIDE:
            first = i
