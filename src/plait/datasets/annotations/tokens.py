"""Tokens → a text with their places; tags of tokens → spans of characters."""

from collections.abc import Sequence
from itertools import pairwise

import regex

from plait.datasets.annotations.shapes import Join, MismatchError, Triple
from plait.segmentation import SPACELESS

Places = list[tuple[int, int]]
OUTSIDE = ("O", "")
# Korean has spaces between words, and its tokens are words.
_SPACELESS = regex.compile(rf"(?V1)[[{SPACELESS}]--\p{{Hangul}}]")
_LETTER = regex.compile(r"\p{L}")
_TAG = regex.compile(r"(?P<part>[BIESLUM])-(?P<type>.+)", regex.DOTALL)
_BEGINS, _ENDS = "BSU", "ESLU"


def join(
    tokens: Sequence[str], how: Join, spaces: Sequence[bool] | None = None
) -> tuple[str, Places]:
    """The text of tokens, and the place of each.

    Args:
        how: `space` or `none` between all tokens; `auto`: none where a script has no spaces
            between words, nor if the tokens themselves hold the blanks.
        spaces: whether a space follows each token, if the format says so.
    """
    if spaces is None:
        spaces = [_between(how, _is_spaceless(tokens), a, b) for a, b in pairwise(tokens)]
    if how == "auto" and any(token.isspace() for token in tokens):
        spaces = [False] * len(tokens)
    places, text = [], ""
    for index, token in enumerate(tokens):
        places.append((len(text), len(text) + len(token)))
        text += token + (" " if index + 1 < len(tokens) and spaces[index] else "")
    return text, places


def _is_spaceless(tokens: Sequence[str]) -> bool:
    """Whether at least half of the tokens with letters are of a script without spaces."""
    words = [token for token in tokens if _LETTER.search(token)]
    return 0 < len(words) <= 2 * sum(bool(_SPACELESS.search(word)) for word in words)


def _between(how: Join, spaceless: bool, before: str, after: str) -> bool:
    if how != "auto" or not spaceless:
        return how != "none"
    # Words of another script among them keep their space: "Steve Jobs" between Chinese words.
    return all(len(t) > 1 and t.isalnum() and not _SPACELESS.search(t) for t in (before, after))


def spans(tags: Sequence[str], places: Places, where: str) -> list[Triple]:
    """The spans of tagged tokens: IOB1, IOB2 (BIO), BIOES, BILOU, or types without a prefix.

    As in CoNLL's own scorer, an I-x that goes on with nothing begins a span.

    Raises:
        MismatchError: there are more or fewer tags than tokens.
    """
    if len(tags) != len(places):
        expected = f"{len(places)} tags, one for each token"
        raise MismatchError(where, len(tags), expected, "Correct the record.")
    found: list[Triple] = []
    open_type: str | None = None
    for tag, (start, end) in zip(tags, places, strict=True):
        part, label = _parts(tag)
        if label is not None and label == open_type and part not in _BEGINS:
            found[-1][1] = end
        elif label is not None:
            found.append([start, end, label])
        open_type = None if part in _ENDS else label
    return found


def _parts(tag: str) -> tuple[str, str | None]:
    """`B-x` → B and x; a type alone counts as inside; outside: no type."""
    if tag in OUTSIDE:
        return "O", None
    match = _TAG.fullmatch(tag)
    return (match["part"], match["type"]) if match else ("I", tag)
