"""Runs of a text's words: where a span stands, and where a written value does."""

from collections.abc import Sequence

from plait.segmentation import Place
from plait.tasks import Span

Run = tuple[int, int]
"""First word (included) to last word (excluded)."""


def run_of(span: Span, places: Sequence[Place]) -> Run | None:
    """The words that a span touches; None where there is none."""
    touched = [i for i, (start, end) in enumerate(places) if start < span.end and end > span.start]
    return (touched[0], touched[-1] + 1) if touched else None


def folded(text: str, places: Sequence[Place]) -> list[str]:
    """Each word, without regard to case."""
    return [text[start:end].casefold() for start, end in places]


def matches(wanted: Sequence[str], among: Sequence[str], begin: int) -> list[int]:
    """Where, from `begin` on, the words `wanted` stand in `among`."""
    size = len(wanted)
    return [
        i for i in range(begin, len(among) - size + 1) if list(among[i : i + size]) == list(wanted)
    ]
