"""What approach `linear` sees of a text, and of the tokens of one."""

import re
from collections.abc import Sequence
from itertools import pairwise

import regex

from plait.segmentation import SPACELESS, words

WINDOW = 2
# A script without spaces would otherwise make a sentence one word, which no other text has.
_WORD = regex.compile(rf"(?V1)(?=[[\w]&&[{SPACELESS}]])\X|[[\w\p{{N}}]--[{SPACELESS}]]{{2,}}")


def word_features(text: str) -> list[str]:
    """Lower-case words of two letters or more, and pairs of neighbours.

    A character is a word in a script without spaces between words. A text without such words has
    its letters and signs instead, as one of emoji does.
    """
    lower = text.lower()
    found = _WORD.findall(lower) or [lower[start:end] for start, end in words(lower)]
    return found + [f"{a} {b}" for a, b in pairwise(found)]


def token_features(tokens: Sequence[str]) -> list[list[str]]:
    """For each token: the words around it by distance, its ends and its shape."""
    padded = [""] * WINDOW + [token.lower() for token in tokens] + [""] * WINDOW
    return [
        [f"{d}:{padded[i + WINDOW + d]}" for d in range(-WINDOW, WINDOW + 1)]
        + [f"<{padded[i + 1]} {padded[i + WINDOW]}", f"{padded[i + WINDOW]} {padded[i + 3]}>"]
        + [f"^{token[:3].lower()}", f"{token[-3:].lower()}$", re.sub(r"\d", "0", token)]
        for i, token in enumerate(tokens)
    ]
