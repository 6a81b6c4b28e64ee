"""Facts about a text and its spans that validation needs and that do not reveal the text."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import regex

from plait.segmentation import is_blank, words
from plait.tasks import Span

_CONTROL = re.compile("[\x01-\x08\x0e-\x1f\x7f\x80-\x9f]")
_PICTURE = regex.compile(r"[\p{Extended_Pictographic}\p{Regional_Indicator}]")
_LAST, _FIRST = re.compile(r"\S{0,12}$"), re.compile(r"\S{0,12}")
_PLACEHOLDERS = frozenset(
    {
        *("n a", "na", "nan", "none", "null", "nil", "undefined", "unknown", "empty", "blank"),
        *("tbd", "tba", "todo", "test", "tests", "testing", "xxx", "asdf", "lorem ipsum", "text"),
        *("deleted", "removed", "redacted", "no text", "no content", "no comment"),
    }
)


class TextFacts(NamedTuple):
    """Facts about a text.

    Attributes:
        characters: length of the text.
        empty: the text has no visible character.
        nul: it holds a NUL character.
        control: it holds control characters other than white space and NUL.
        replacement: it holds U+FFFD.
        mojibake: it looks like UTF-8 that was read with another encoding, by the heuristic of ftfy
            (R. Speer, 2019).
        placeholder: it is a placeholder for a missing text, such as `n/a`, or has neither a letter
            nor an emoji.
        script: that of most letters (Unicode's name: LATIN, CYRILLIC …); None without letters.
    """

    characters: int
    empty: bool
    nul: bool
    control: bool
    replacement: bool
    mojibake: bool
    placeholder: bool
    script: str | None


def text_facts(text: str, found: list[str]) -> TextFacts:
    """The facts of a text; `found` are its words (`plait.leakage.shingles.words`)."""
    script, empty, plain = _script(text), is_blank(text), text.isascii()
    return TextFacts(
        characters=len(text),
        empty=empty,
        nul="\x00" in text,
        control=_CONTROL.search(text) is not None,
        replacement=not plain and "\ufffd" in text,
        mojibake=not plain and _mojibake(text),
        placeholder=(script is None and not empty and not _PICTURE.search(text))
        or (len(found) <= 2 and " ".join(found) in _PLACEHOLDERS),
        script=script,
    )


def _mojibake(text: str) -> bool:
    from ftfy.badness import is_bad

    return bool(is_bad(text))


def _script(text: str) -> str | None:
    if text.isascii():
        return "LATIN" if any(map(str.isalpha, text)) else None
    counts = Counter(map(_script_of, filter(str.isalpha, text)))
    return min(counts, key=lambda name: (-counts[name], name)) if counts else None


@lru_cache(maxsize=1 << 16)
def _script_of(letter: str) -> str:
    return unicodedata.name(letter, "UNNAMED").split(" ")[0]


class SpanFacts(NamedTuple):
    """Facts about a span.

    Attributes:
        inside: it holds characters of its text and no others.
        disjoint: it overlaps no earlier span.
        trimmed: it begins and ends with neither white space nor an invisible character. True
            if not inside.
        word_aligned: it begins where a word of the text does and ends where one does
            (`plait.segmentation.words`); no prediction can equal another. True if
            not inside or not trimmed.
    """

    inside: bool
    disjoint: bool
    trimmed: bool
    word_aligned: bool


def span_facts(text: str, spans: Iterable[Span]) -> list[SpanFacts]:
    """Facts of the spans, sorted by position."""
    ordered = sorted(spans)
    places = words(text) if ordered else []
    starts, ends = {start for start, _ in places}, {end for _, end in places}
    found, reached = [], 0
    for span in ordered:
        inside = 0 <= span.start < span.end <= len(text)
        aligned = not inside or (span.start in starts and span.end in ends)
        trimmed = aligned or _is_trimmed(text[span.start : span.end])
        found.append(SpanFacts(inside, span.start >= reached, trimmed, aligned or not trimmed))
        reached = max(reached, span.end)
    return found


def _is_trimmed(cut: str) -> bool:
    places = words(cut)
    return bool(places) and places[0][0] == 0 and places[-1][1] == len(cut)


def span_shown(text: str, span: Span) -> str:
    """What a span cuts, in brackets, with the rest of the words that it cuts."""
    start, end = span.start, span.end
    if start >= end:
        return f"[{start}, {end}] is empty"
    if start < 0 or end > len(text):
        return f"[{start}, {end}] of {len(text)} characters"
    before, after = _LAST.search(text[:start]), _FIRST.match(text[end:])
    return f"{before[0] if before else ''}[{text[start:end]}]{after[0] if after else ''}"
