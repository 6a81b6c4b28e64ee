"""Spans of tokens and their IOB2 tags, read strictly (as CoNLL-2003's and MASSIVE's scorers do).

`B-x` begins a span of type x, each `I-x` straight after it goes on with it, and whatever else comes
ends it. An `I-` that goes on with nothing (at the start, after `O`, after another type) is no span.
"""

from collections.abc import Iterable, Sequence

TokenSpan = tuple[int, int, str]
"""First token, token after the last, type."""

OUTSIDE = "O"


def spans_from_tags(tags: Sequence[str]) -> list[TokenSpan]:
    """The spans that a sequence of tags holds, from left to right; any sequence is allowed."""
    spans: list[TokenSpan] = []
    going_on = None
    for index, tag in enumerate(tags):
        if tag.startswith("B-"):
            spans.append((index, index + 1, tag[2:]))
            going_on = f"I-{tag[2:]}"
        elif tag == going_on:
            start, _, label = spans[-1]
            spans[-1] = (start, index + 1, label)
        else:
            going_on = None
    return spans


def tags_from_spans(spans: Iterable[TokenSpan], length: int) -> list[str]:
    """The tags of `length` tokens: the inverse of `spans_from_tags`.

    Raises:
        ValueError: a span is empty, reaches outside the tokens or overlaps another.
    """
    tags = [OUTSIDE] * length
    for start, end, label in spans:
        if not 0 <= start < end <= length:
            raise ValueError(f"span {(start, end, label)} does not lie within {length} tokens")
        if any(tag != OUTSIDE for tag in tags[start:end]):
            raise ValueError(f"span {(start, end, label)} overlaps another")
        tags[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return tags
