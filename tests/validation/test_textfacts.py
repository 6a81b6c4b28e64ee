"""TextFacts of texts, of odd ones and of sound ones that look odd."""

import random
from collections import Counter

import pytest

from plait.leakage.shingles import words
from plait.validation.drift import excess_distance
from plait.validation.textfacts import TextFacts, text_facts


def of(text: str) -> TextFacts:
    return text_facts(text, words(text))


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Müller says: naïve café, 5 €", "LATIN"),
        ("tab\tand\nline\r\nand form feed\x0c", "LATIN"),
        ("so good 😀👍🏽", "LATIN"),
        ("価格は百円です", "CJK"),
        ("поезд в Москву", "CYRILLIC"),
        ("“quoted” – and … that’s it", "LATIN"),
        ("test the lights", "LATIN"),
        ("none of them", "LATIN"),
    ],
)
def test_sound_texts_have_no_fault(text: str, script: str) -> None:
    found = of(text)
    assert found.script == script
    assert found[1:7] == (False,) * 6


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        ("\u00a0\n", "empty"),
        ("a\x00b", "nul"),
        ("bell\x07", "control"),
        ("it\x92s from Windows", "control"),
        ("los\ufffdt", "replacement"),
        ("schÃ¶n wÃ¤re es", "mojibake"),
        ("donâ€™t", "mojibake"),
        ("N/A", "placeholder"),
        ("(none)", "placeholder"),
        ("!!! 123", "placeholder"),
        ("[deleted]", "placeholder"),
    ],
)
def test_faults_are_told(text: str, fault: str) -> None:
    assert getattr(of(text), fault) is True


def test_drift_of_samples_from_one_source_is_about_nothing() -> None:
    rng = random.Random(1)
    found = [
        excess_distance(*(Counter(rng.choices("abcdefgh", k=size)) for size in (400, 80)))
        for _ in range(50)
    ]
    assert sum(found) / len(found) < 0.03
    assert max(found) < 0.15


def test_drift_is_the_share_of_rows_that_would_have_to_change() -> None:
    assert excess_distance({"a": 100_000}, {"a": 100_000}) == 0.0
    assert excess_distance({"a": 100_000}, {"b": 100_000}) == pytest.approx(1.0, abs=0.01)
    half = excess_distance({"a": 100_000, "b": 100_000}, {"a": 200_000})
    assert half == pytest.approx(0.5, abs=0.01)
    assert excess_distance({}, {"a": 3}) == 0.0
