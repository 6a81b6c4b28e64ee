"""Texts without any common word of their dataset, and texts of boilerplate lines only.

Words and lines stand for themselves as 64-bit keys, which lie in files (`Spilled`): those of all
texts may be more than fits memory.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from plait.leakage.matches import key
from plait.leakage.shingles import word_hash
from plait.leakage.spilled import Spilled

Keys = NDArray[np.uint64]
"""Keys of words or lines."""
Counts = NDArray[np.int64]

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
_AT_ONCE = 1 << 20
"""Keys that are in memory at once."""
_BLANK = re.compile(r"\s+")


def word_keys(words: Sequence[str]) -> Keys:
    """The first distinct words of a text; none if there are fewer than `MIN_DISTINCT_WORDS`."""
    found = list(islice(dict.fromkeys(words), _MAX_DISTINCT_WORDS))
    return _keys(map(word_hash, found if len(found) >= MIN_DISTINCT_WORDS else ()))


def common_words(train: Spilled) -> Keys:
    """Words that at least 2 % of the training texts, and at least three of them, hold; sorted.

    Such a word is in at least 2 % of the texts of some block, so that each block proposes few
    (A. Savasere, E. Omiecinski and S. Navathe, "An Efficient Algorithm for Mining Association
    Rules in Large Databases", 1995).
    """
    proposed = np.unique(_joined(_frequent(*block) for block in train.blocks(_AT_ONCE)))
    counts, texts = np.zeros(len(proposed), np.int64), 0
    for values, sizes in train.blocks(_AT_ONCE):
        places = np.searchsorted(proposed, values[_among(values, proposed)])
        counts += np.bincount(places, minlength=len(proposed))
        texts += int(np.count_nonzero(sizes))
    return proposed[counts >= max(_COMMON_TEXTS, _COMMON_SHARE * texts)]


def _frequent(values: Keys, sizes: Counts) -> Keys:
    found, counts = np.unique(values, return_counts=True)
    return found[counts >= int(_COMMON_SHARE * np.count_nonzero(sizes))]


def without_common_words(words: Spilled, common: Keys) -> NDArray[np.bool_]:
    """(texts,): whether a text has none of the common words: another language, or noise.

    False for all texts if there are no common words.
    """
    sizes, hits = _hits(words, common)
    return np.asarray((sizes > 0) & (hits == 0) & (len(common) > 0))


def line_keys(text: str) -> Keys:
    """The distinct non-empty lines of a text, whatever their white space; none if it has fewer than
    two lines.
    """
    if "\n" not in text:
        return _keys(())
    lines = [_BLANK.sub(" ", line).strip() for line in text.split("\n")]
    found = [line for line in lines if line]
    return _keys(map(key, set(found) if len(found) > 1 else ()))


def common_lines(train: Spilled) -> Keys:
    """Lines that occur in at least ten texts of several lines, whatever their white space; sorted.

    The lines are counted part by part: a line is in the part that its key names.
    """
    parts = 1 + int(train.sizes().sum()) // (4 * _AT_ONCE)
    found = []
    for part in range(parts):
        of_part = [
            values[values % np.uint64(parts) == part] for values, _ in train.blocks(_AT_ONCE)
        ]
        lines, counts = np.unique(_joined(of_part), return_counts=True)
        found.append(lines[counts >= _BOILERPLATE_TEXTS])
    return np.sort(_joined(found))


def boilerplate_only(lines: Spilled, common: Keys) -> NDArray[np.bool_]:
    """(texts,): whether a text of several lines consists of common lines only."""
    sizes, hits = _hits(lines, common)
    return np.asarray((sizes > 0) & (hits == sizes))


def _hits(texts: Spilled, common: Keys) -> tuple[Counts, Counts]:
    """(texts,) twice: the keys of each text, and how many of them are common."""
    found = [np.empty(0, np.int64)]
    for values, sizes in texts.blocks(_AT_ONCE):
        before = np.concatenate([[0], np.cumsum(_among(values, common))])
        ends = np.cumsum(sizes)
        found.append(before[ends] - before[ends - sizes])
    return texts.sizes(), np.concatenate(found)


def _among(values: Keys, wanted: Keys) -> NDArray[np.bool_]:
    """(values,): whether each is one of `wanted`, which are sorted."""
    if not len(wanted):
        return np.zeros(len(values), np.bool_)
    places = np.searchsorted(wanted, values).clip(max=len(wanted) - 1)
    return np.asarray(wanted[places] == values)


def _keys(values: Iterator[int] | tuple[()]) -> Keys:
    return np.fromiter(values, np.uint64)


def _joined(parts: Iterable[Keys]) -> Keys:
    return np.concatenate([_keys(()), *parts])
