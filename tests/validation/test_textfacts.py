"""TextFacts of texts, of odd ones and of sound ones that look odd."""

import random
from collections import Counter

import pytest

from plait.leakage.shingles import words
from plait.tasks import Span
from plait.validation.drift import excess_distance
from plait.validation.textfacts import TextFacts, span_facts, text_facts


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
        ("\ufeff\u200b", "empty"),
        ("\u2800\u3164", "empty"),
        ("\u00ad\ufe0f", "empty"),
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


@pytest.mark.parametrize("text", ["", " \n", "\u200b\ufeff", "\u3164", "\U000e0041"])
def test_a_text_has_one_fault_if_nothing_can_be_seen(text: str) -> None:
    assert of(text)[1:7] == (True, *(False,) * 5)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("打开客厅的灯", "客厅"),
        ("明日の東京の天気", "東京"),
        ("เปิดไฟในห้องนั่งเล่น", "ห้อง"),
        ("សូមបើកភ្លើង", "បើក"),
        ("서울에서 만나", "서울"),
        ("set it to 1500kelvin", "1500"),
        ("شغّل الأضواء الآن", "الأضواء"),
        ("play Beyonce\u0301 now", "Beyonce\u0301"),
        ("نمی\u200cخواهم برو", "نمی\u200cخواهم"),
        ("love 👩‍👩‍👧 it", "👩‍👩‍👧"),
        ("the room(s)", "room"),
    ],
)
def test_spans_that_a_prediction_can_equal(text: str, value: str) -> None:
    start = text.index(value)
    assert span_facts(text, [Span(start, start + len(value), "x")]) == [(True, True, True, True)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("turn on the kitchen", "kitch"),
        ("play Beyonce\u0301 now", "Beyonce"),
        ("नमस्ते दुनिया", "दुन"),
        ("पानी लाओ", "पान"),
        ("น้ำ", "น"),
        ("love 👩‍👩‍👧 it", "👩"),
        ("hi 👍🏽", "👍"),
    ],
)
def test_spans_that_no_prediction_can_equal(text: str, value: str) -> None:
    start = text.index(value)
    assert span_facts(text, [Span(start, start + len(value), "x")]) == [(True, True, True, False)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("turn on the kitchen", " kitchen"),
        ("turn on the kitchen", "on "),
        ("turn on the kitchen", "e "),
        ("turn on  the kitchen", " "),
        ("\ufeffkitchen", "\ufeffkitchen"),
        ("打开 客厅", " 客厅"),
    ],
)
def test_spans_with_blank_ends_have_that_fault_alone(text: str, value: str) -> None:
    start = text.index(value)
    assert span_facts(text, [Span(start, start + len(value), "x")]) == [(True, True, False, True)]


def test_a_span_outside_its_text_has_that_fault_alone() -> None:
    assert span_facts("kitchen", [Span(3, 9, "x")]) == [(False, True, True, True)]


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
