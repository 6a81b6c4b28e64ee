"""Texts without any common word of their dataset, and texts of boilerplate lines only."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import pandas as pd
from numpy.typing import NDArray

WordSets = Sequence[frozenset[str] | None]
"""For each text its first distinct words; None for a text with too few of them."""
Lines = frozenset[str]

MIN_DISTINCT_WORDS = 8
"""Least number of distinct words of a text that `without_common_words` can flag."""
_MAX_DISTINCT_WORDS = 50
"""Most distinct words that are taken from a text."""
_COMMON_SHARE = 0.02
"""Least share of the training texts that hold a common word."""
_COMMON_TEXTS = 3
"""Least number of training texts that hold a common word."""
_BOILERPLATE_TEXTS = 10
"""Least number of training texts that share a boilerplate line."""
_BLANK = re.compile(r"\s+")


def word_set(words: Sequence[str]) -> frozenset[str] | None:
    """The first distinct words of a text; None if there are fewer than `MIN_DISTINCT_WORDS`."""
    found = frozenset(islice(dict.fromkeys(words), _MAX_DISTINCT_WORDS))
    return found if len(found) >= MIN_DISTINCT_WORDS else None


def common_words(train: WordSets) -> frozenset[str]:
    """Words that at least 2 % of the training texts, and at least three of them, hold."""
    counts = Counter(word for each in train if each is not None for word in each)
    texts = sum(each is not None for each in train)
    least = max(_COMMON_TEXTS, _COMMON_SHARE * texts)
    return frozenset(word for word, count in counts.items() if count >= least)


def without_common_words(sets: WordSets, common: frozenset[str]) -> NDArray[np.bool_]:
    """(texts,): whether a text has none of the common words: another language, or noise.

    False for all texts if there are no common words.
    """
    return np.array(
        [bool(common) and each is not None and common.isdisjoint(each) for each in sets], dtype=bool
    )


def common_lines(texts: Iterable[str | None]) -> Lines:
    """Lines that occur in at least ten texts of several lines, whatever their white space."""
    counts = Counter(line for text in texts if text for line in set(_lines(text)))
    return frozenset(line for line, count in counts.items() if count >= _BOILERPLATE_TEXTS)


def boilerplate_only(texts: "pd.Series[str]", common: Lines) -> NDArray[np.bool_]:
    """(texts,): whether a text of several lines consists of common lines only."""
    return np.array([_is_boilerplate(text, common) for text in texts], dtype=bool)


def _is_boilerplate(text: str | None, common: Lines) -> bool:
    lines = _lines(text) if text and common else []
    return bool(lines) and common.issuperset(lines)


def _lines(text: str) -> list[str]:
    """The non-empty lines of a text; empty if it has fewer than two."""
    if "\n" not in text:
        return []
    lines = [_BLANK.sub(" ", line).strip() for line in text.split("\n")]
    found = [line for line in lines if line]
    return found if len(found) > 1 else []
