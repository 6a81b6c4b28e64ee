"""Words of a text: the units at which a span may begin and end, in every language.

All approaches and the data checks share them, whatever a tokenizer calls a word.
"""

from itertools import groupby

import regex

Place = tuple[int, int]
"""(start, end) characters, `end` excluded."""

# Without spaces between words (Unicode's line breaking class SA, kana, Han, Yi), or, in Hangul,
# with particles written to the word, before which a span ends.
_SPACELESS = r"\p{lb=SA}\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Yi}\p{Hangul}"
_CLUSTER = regex.compile(
    rf"(?V1)(?P<single>(?=[[{_SPACELESS}]&&[\p{{L}}\p{{M}}\p{{N}}]])\X)"
    r"|(?P<letter>(?=[\p{L}\p{M}])\X)|(?P<digit>(?=\p{N})\X)|(?P<blank>(?=[\s\p{C}\p{Z}])\X)|(?P<mark>\X)"
)
_ASCII = regex.compile(r"[A-Za-z]+|[0-9]+|[!-/:-@\[-`{-~]")
# U+2800 is a Braille sign without dots: a symbol by category, and blank.
_INVISIBLE = regex.compile(r"[\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]*")


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
    clusters = ((match.lastgroup, match.span()) for match in _CLUSTER.finditer(text))
    for kind, run in groupby(clusters, key=lambda cluster: cluster[0]):
        places = [place for _, place in run]
        if kind in ("letter", "digit"):
            found.append((places[0][0], places[-1][1]))
        elif kind in ("single", "mark"):
            found += places
    return found


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen: white space, controls, zero-width characters."""
    return _INVISIBLE.fullmatch(text) is not None
