"""Tokens at which a span may begin and end, and the place of a value in the text."""

import re
from collections.abc import Sequence

from plait.tasks import Span

Place = tuple[int, int]
Run = tuple[int, int]
"""First piece (included) to last piece (excluded)."""

# Scripts written without spaces between words: Thai to Lao, Burmese, Khmer, kana, Han.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
# Digits are pieces of their own: a span may be the number of "1500kelvin".
_PIECE = re.compile(rf"[{_UNSPACED}]|\d+|[^\W\d{_UNSPACED}]+|[^\w\s]")


def pieces(text: str) -> list[Place]:
    """(start, end) of each word and of each mark that is neither word nor white space."""
    return [match.span() for match in _PIECE.finditer(text)]


def run_of(span: Span, places: Sequence[Place]) -> Run | None:
    """The pieces that a span touches; None where there is none."""
    touched = [i for i, (start, end) in enumerate(places) if start < span.end and end > span.start]
    return (touched[0], touched[-1] + 1) if touched else None


def words(text: str, places: Sequence[Place]) -> list[str]:
    """Each piece, without regard to case."""
    return [text[start:end].casefold() for start, end in places]


def matches(wanted: Sequence[str], among: Sequence[str], begin: int) -> list[int]:
    """Where, from `begin` on, the words `wanted` stand in `among`."""
    size = len(wanted)
    return [
        i for i in range(begin, len(among) - size + 1) if list(among[i : i + size]) == list(wanted)
    ]
