"""Words and shingles in scripts without spaces, and unchanged ones in all others."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.leakage.shingles import shingles, shingles_of_long, words

SYLLABLES = {
    "Chinese": "我们今天想把客厅的灯打开请问明早会下雨吗音乐放大一点谢谢小明",
    "Japanese": "きょうはいいてんきですねあしたのよていをおしえてください東京駅",
    "Thai": "กขคงจชซดตถทนบปพมยรลวสหอฮ",
    "Khmer": "កខគឃងចឆជឈញដឋឌឍណតថទធន",
}


def sentence(script: str, seed: int, length: int) -> str:
    rng = random.Random(f"{script} {seed}")
    return "".join(rng.choices(SYLLABLES[script], k=length))


def similarity(left: str, right: str) -> float:
    one, other = (set(map(int, found)) for found in map(long, (left, right)) if found is not None)
    return len(one & other) / len(one | other)


def long(text: str) -> list[int] | None:
    found = shingles_of_long(words(text), 20)
    return None if found is None else found.tolist()


@pytest.mark.parametrize("script", SYLLABLES)
def test_an_edited_copy_is_similar_and_another_text_is_not(script: str) -> None:
    text, other = sentence(script, 1, 200), sentence(script, 2, 200)
    copy = f"{text[:50]}{other[:4]}{text[54:120]}，{text[120:]}"
    assert similarity(text, copy) > 0.8
    assert similarity(text, other) < 0.05


@pytest.mark.parametrize("script", SYLLABLES)
def test_short_texts_have_no_shingles(script: str) -> None:
    assert long(sentence(script, 1, 59)) is None
    assert long(sentence(script, 1, 60)) is not None


def test_characters_are_words_where_there_are_no_spaces() -> None:
    assert words("打开客厅的灯, PLEASE") == [*"打开客厅的灯", "please"]
    assert words("明日のTokyoの天気") == [*"明日の", "tokyo", *"の天気"]
    assert words("น้ำ") == ["น้ำ"]
    assert words("서울에서 만나요") == ["서울에서", "만나요"]


SPACED = st.text(st.characters(max_codepoint=0x7FF))


@given(SPACED)
def test_scripts_with_spaces_have_the_words_that_they_had(text: str) -> None:
    assert words(text) == re.findall(r"\w+", text.casefold())


@given(st.lists(st.text("abcäéд", min_size=1, max_size=5), min_size=20))
def test_scripts_with_spaces_have_the_shingles_that_they_had(found: list[str]) -> None:
    long_ = shingles_of_long(found, 20)
    assert long_ is not None
    assert long_.tolist() == shingles(found).tolist()
