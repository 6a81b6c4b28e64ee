"""Words as patterns that exports take along: for `regex`, and for Python's own `re`.

`re`, which scikit-learn uses, knows neither scripts nor grapheme clusters, so the
characters of each class are listed.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain

import regex

from plait.segmentation import SPACELESS, UNSEEN

_SINGLE = rf"(?=[[{SPACELESS}]&&[\p{{L}}\p{{M}}\p{{N}}]])"
WORD = (
    rf"(?V1)(?={UNSEEN})\X|{_SINGLE}\X|(?:(?!{_SINGLE}|{UNSEEN})(?=[\p{{L}}\p{{M}}])\X)+"
    rf"|(?:(?!{_SINGLE}|{UNSEEN})(?=\p{{N}})\X)+|\X"
)
"""What `plait.segmentation.words` finds, as one pattern, and what of it is `BLANK` is no word."""
BLANK = rf"(?V1){UNSEEN}*"

_HANGUL = {"L": "\\p{gcb=L}", "V": "\\p{gcb=V}", "T": "\\p{gcb=T}"}
_WHOLE = range(0xAC00, 0xD7A4)
"""Syllables; each 28th has no final consonant."""


@cache
def pattern() -> str:
    """Finds what `plait.approaches.linear.features.word_features` takes for words."""
    lone = rf"[[\w]&&[{SPACELESS}]]"
    word = _listed(rf"[[\w\p{{N}}]--[{SPACELESS}]]")
    begins = _listed(rf"[{lone}--[\p{{gcb=L}}\p{{gcb=V}}\p{{gcb=T}}\p{{gcb=LV}}\p{{gcb=LVT}}]]")
    after = _listed(r"[\p{gcb=Extend}\p{gcb=SpacingMark}\p{gcb=ZWJ}]")
    return f"(?:{begins}|{_syllable()}){after}*|{word}{{2,}}"


def _syllable() -> str:
    """A Hangul syllable block, whole or of letters (rules GB6 to GB8 of UAX #29)."""
    first, middle, last = (_listed(each) for each in _HANGUL.values())
    open_, closed = (
        _ranges(c for c in _WHOLE if ((c - _WHOLE[0]) % 28 == 0) == wanted)
        for wanted in (True, False)
    )
    return f"{first}*(?:(?:{open_}{middle}*|{middle}+){last}*|{closed}{last}*)|{first}+|{last}+"


def _listed(characters: str) -> str:
    """A class of `regex` as one of `re`."""
    known = regex.compile(rf"(?V1){characters}")
    places = chain(range(0xD800), range(0xE000, 0x110000))
    return _ranges(place for place in places if known.fullmatch(chr(place)))


def _ranges(places: Iterable[int]) -> str:
    parts = (f"\\U{a:08x}" if a == b else f"\\U{a:08x}-\\U{b:08x}" for a, b in _runs(places))
    return f"[{''.join(parts)}]"


def _runs(places: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of numbers that follow one another."""
    first = last = None
    for place in places:
        if last is not None and place == last + 1:
            last = place
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = place
    if first is not None and last is not None:
        yield first, last
