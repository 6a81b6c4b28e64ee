"""Common words and lines: counted in blocks from files as they would be all at once."""

import random
from collections import Counter

import numpy as np
import pytest

from plait.leakage.shingles import word_hash
from plait.leakage.spilled import Spilled
from plait.validation import unusual
from plait.validation.unusual import (
    boilerplate_only,
    common_lines,
    common_words,
    line_keys,
    without_common_words,
    word_keys,
)

rng = random.Random(5)
TEXTS = [
    [f"w{int(2000 ** rng.random())}" for _ in range(rng.choice([0, 5, 12, 90]))] for _ in range(400)
]
TEXTS += [[f"odd{i}x{j}" for j in range(9)] for i in range(3)]
POSTS = [
    "\n".join(
        rng.sample(["regards", "sent from  a phone", "bye", "--", f"own {i}"], k=rng.randint(1, 4))
    )
    for i in range(60)
]


def spilled(keys: list[unusual.Keys]) -> Spilled:
    found = Spilled(np.uint64)
    for each in keys:
        found.append(each)
    return found


@pytest.fixture(params=[1 << 20, 100])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unusual, "_AT_ONCE", request.param)


@pytest.mark.usefixtures("at_once")
def test_common_words_are_those_of_a_plain_count() -> None:
    sets = [set(list(dict.fromkeys(words))[:50]) for words in TEXTS]
    large = [each for each in sets if len(each) >= 8]
    counts = Counter(word for each in large for word in each)
    expected = {word for word, count in counts.items() if count >= max(3, 0.02 * len(large))}
    words = spilled([word_keys(each) for each in TEXTS])
    common = common_words(words)
    assert common.tolist() == sorted(map(word_hash, expected))
    assert 10 < len(expected) < len(counts) / 3
    flags = [len(each) >= 8 and expected.isdisjoint(each) for each in sets]
    assert without_common_words(words, common).tolist() == flags
    assert sum(flags) >= 3


@pytest.mark.usefixtures("at_once")
def test_common_lines_are_those_of_a_plain_count() -> None:
    sets = [{" ".join(line.split()) for line in post.split("\n")} for post in POSTS]
    several = [each if len(each) > 1 else set() for each in sets]
    counts = Counter(line for each in several for line in each)
    expected = {line for line, count in counts.items() if count >= 10}
    lines = spilled([line_keys(post) for post in POSTS])
    common = common_lines(lines)
    assert len(common) == len(expected) == 4
    flags = [bool(each) and each <= expected for each in several]
    assert boilerplate_only(lines, common).tolist() == flags
    assert 0 < sum(flags) < len(flags) / 2


def test_without_texts_nothing_is_common() -> None:
    nothing = spilled([])
    assert len(common_words(nothing)) == len(common_lines(nothing)) == 0
    assert not len(without_common_words(nothing, common_words(nothing)))
    few = spilled([word_keys(f"a{i} b c d e f g h".split()) for i in range(2)])
    assert without_common_words(few, common_words(few)).tolist() == [False, False]
