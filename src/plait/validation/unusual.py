"""Texts that are unlike the rest of their dataset, or made of what many others hold."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import pandas as pd
from numpy.typing import NDArray

WordSets = Sequence[frozenset[str] | None]
"""For each text its distinct words where it is long enough to be judged, else None."""
Lines = frozenset[str]

JUDGED_WORDS = 8
"""Distinct words from which on a text can be unlike the rest."""
_FIRST_WORDS = 50
"""Distinct words that a text is judged by, at most: the first."""
_COMMON_SHARE = 0.02
"""Share of the training texts that hold a common word."""
_COMMON_TEXTS = 3
"""Texts that hold it, at least."""
_BOILERPLATE_TEXTS = 10
"""Training texts that share a line of boilerplate, at least."""
_BLANK = re.compile(r"\s+")


def word_set(words: Sequence[str]) -> frozenset[str] | None:
    """The first distinct words of a text, None where it has too few to be judged."""
    found = frozenset(islice(dict.fromkeys(words), _FIRST_WORDS))
    return found if len(found) >= JUDGED_WORDS else None


def common_words(train: WordSets) -> frozenset[str]:
    """Words that at least 2 % of the training texts hold, and three texts."""
    counts = Counter(word for each in train if each is not None for word in each)
    texts = sum(each is not None for each in train)
    least = max(_COMMON_TEXTS, _COMMON_SHARE * texts)
    return frozenset(word for word, count in counts.items() if count >= least)


def unlike(sets: WordSets, common: frozenset[str]) -> NDArray[np.bool_]:
    """Whether a text has none of the words that are common in train: another language, or noise.

    Nothing is unlike where train has no common words.
    """
    return np.array(
        [bool(common) and each is not None and common.isdisjoint(each) for each in sets], dtype=bool
    )


def common_lines(texts: Iterable[str | None]) -> Lines:
    """Lines that stand in at least ten texts of several lines, white space aside."""
    counts = Counter(line for text in texts if text for line in set(_lines(text)))
    return frozenset(line for line, count in counts.items() if count >= _BOILERPLATE_TEXTS)


def boilerplate(texts: "pd.Series[str]", common: Lines) -> NDArray[np.bool_]:
    """Whether a text of several lines has none but common ones."""
    return np.array([_is_boilerplate(text, common) for text in texts], dtype=bool)


def _is_boilerplate(text: str | None, common: Lines) -> bool:
    lines = _lines(text) if text and common else []
    return bool(lines) and common.issuperset(lines)


def _lines(text: str) -> list[str]:
    """The lines of a text that has several; none of one that has a single line."""
    if "\n" not in text:
        return []
    lines = [_BLANK.sub(" ", line).strip() for line in text.split("\n")]
    found = [line for line in lines if line]
    return found if len(found) > 1 else []
