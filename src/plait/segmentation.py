"""Words of a text: the units at which a span may begin and end, in every language.

All approaches and the data checks share them, whatever a tokenizer calls a word.
"""

from itertools import groupby

import regex

Place = tuple[int, int]
"""(start, end) characters, `end` excluded."""

SPACELESS = r"\p{lb=SA}\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Yi}\p{Hangul}"
"""Of a set of characters in `regex`: scripts without spaces between words (Unicode's line breaking
class SA, kana, Han, Yi), or, in Hangul, with particles written to the word, where a span ends."""
# White space, controls and what is drawn as nothing: U+2800 is a Braille sign without dots. Signs
# that Arabic writes around a number are format characters, and visible.
UNSEEN = (
    r"[[\s\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800]"
    r"--\p{Prepended_Concatenation_Mark}]"
)
_CLUSTER = regex.compile(
    rf"(?V1)(?P<open>(?={UNSEEN})\X)|(?P<single>(?=[[{SPACELESS}]&&[\p{{L}}\p{{M}}\p{{N}}]])\X)"
    r"|(?P<letter>(?=[\p{L}\p{M}])\X)|(?P<digit>(?=\p{N})\X)|(?P<mark>\X)"
)
_ASCII = regex.compile(r"[A-Za-z]+|[0-9]+|[!-/:-@\[-`{-~]")
_INVISIBLE = regex.compile(rf"(?V1){UNSEEN}*")


def words(text: str) -> list[Place]:
    """Each word, number and mark of a text, in order; white space and controls belong to none.

    A word is a run of letters, a number a run of digits; a mark stands alone. Where a script has no
    spaces between words, a character is a word. Boundaries are finer than Unicode's words (UAX #29,
    which keeps "1500kelvin" and "can't" whole), and never cut a grapheme cluster (an accented
    letter, a flag, a family of emoji).
    """
    if text.isascii():
        return [match.span() for match in _ASCII.finditer(text)]
    found: list[Place] = []
    for kind, run in groupby(_CLUSTER.finditer(text), key=_kind):
        places = [match.span() for match in run]
        if kind in ("letter", "digit"):
            found.append((places[0][0], places[-1][1]))
        elif kind != "blank":
            found += places
    return found


def _kind(cluster: regex.Match[str]) -> str | None:
    """An unseen character may carry a visible one, as a space does an accent."""
    if cluster.lastgroup != "open":
        return cluster.lastgroup
    return "blank" if is_blank(cluster[0]) else "mark"


def is_blank(text: str) -> bool:
    """Whether a text has no visible character: white space, controls and zero-width ones alone."""
    return _INVISIBLE.fullmatch(text) is not None
