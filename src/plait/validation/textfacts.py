"""Facts about a text and its spans that validation needs and that do not reveal the text."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from plait.tasks import Span

_CONTROL = re.compile("[\x01-\x08\x0e-\x1f\x7f\x80-\x9f]")
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
        empty: the text is empty or white space.
        nul: it holds a NUL character.
        control: it holds control characters other than white space and NUL.
        replacement: it holds U+FFFD.
        mojibake: it looks like UTF-8 that was read with another encoding, by the heuristic of ftfy
            (R. Speer, 2019).
        placeholder: it is a placeholder for a missing text, such as `n/a`, or has no letter.
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


def text_facts(text: str, words: list[str]) -> TextFacts:
    """The facts of a text; `words` are its words (`plait.leakage.shingles.words`)."""
    script = _script(text)
    plain = text.isascii()
    return TextFacts(
        characters=len(text),
        empty=not text or text.isspace(),
        nul="\x00" in text,
        control=_CONTROL.search(text) is not None,
        replacement=not plain and "\ufffd" in text,
        mojibake=not plain and _mojibake(text),
        placeholder=(script is None and bool(text.strip()))
        or (len(words) <= 2 and " ".join(words) in _PLACEHOLDERS),
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
    """Whether a span lies inside its text, overlaps no earlier span, and has word boundaries."""

    inside: bool
    disjoint: bool
    word_aligned: bool


def span_facts(text: str, spans: Iterable[Span]) -> list[SpanFacts]:
    """Facts of the spans, sorted by position."""
    found, reached = [], 0
    for span in sorted(spans):
        inside = 0 <= span.start < span.end <= len(text)
        found.append(SpanFacts(inside, span.start >= reached, _is_word_aligned(text, span)))
        reached = max(reached, span.end)
    return found


def _is_word_aligned(text: str, span: Span) -> bool:
    """Whether a span cuts no word and has no white space at its ends."""
    inside = text[span.start : span.end]
    before, after = text[max(0, span.start - 1) : span.start], text[span.end : span.end + 1]
    cut = _one_word(before, inside[:1]) or _one_word(inside[-1:], after)
    return inside == inside.strip() and not cut


def _one_word(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word: two letters, or two digits."""
    return (left.isalpha() and right.isalpha()) or (left.isdigit() and right.isdigit())
