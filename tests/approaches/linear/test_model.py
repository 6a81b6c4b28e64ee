"""Approach `linear` in scripts without spaces, with combining signs and with emoji."""

from itertools import pairwise, product
from pathlib import Path

import pytest

from conftest import candidate
from plait.approaches.linear import Linear
from plait.approaches.linear.features import word_features
from plait.errors import PlaitError
from plait.tasks import LabelPrediction, Row, Span, Task

# Language → forms of a command with a room in it, and rooms.
SAMPLES = {
    "Chinese": (
        ("请打开{}的灯", "把{}的灯关掉", "{}现在几度", "我想知道{}的温度"),
        ("客厅", "卧室", "厨房", "办公室", "车库", "浴室"),
    ),
    "Thai": (
        ("เปิดไฟใน{}หน่อย", "ช่วยปิดไฟ{}ด้วย", "{}ร้อนไหม", "อุณหภูมิของ{}เท่าไร"),
        ("ห้องนอน", "ห้องครัว", "ห้องน้ำ", "โรงรถ", "ระเบียง", "สวน"),
    ),
    "Hindi": (
        ("{} की बत्ती जलाओ", "{} की बत्ती बुझाओ", "{} में कितनी गर्मी है", "कृपया {} का पंखा चलाओ"),
        ("रसोई", "बैठक", "गैरेज", "दफ़्तर", "बरामदा", "स्नानघर"),
    ),
    "emoji": (
        ("👩‍👩‍👧 lights 💡 in the {}❤️", "🇩🇪 {}👍🏽 off", "is the {} 🥵?", "1️⃣ {}, 2️⃣ bye"),
        ("kitchen", "hall", "cafe\u0301", "attic", "garage", "office"),
    ),
}
FORMS = ("one", "two", "three", "four")
SLOTS = Task("slots", "home", "tagging", "slots", ("room",), "span_f1")
FORM = Task("form", "home", "classification", "form", FORMS, "accuracy")


def rows(language: str) -> list[Row]:
    forms, rooms = SAMPLES[language]
    found = []
    for number, ((name, form), room) in enumerate(product(zip(FORMS, forms, strict=True), rooms)):
        start = form.index("{")
        labels = {"form": name, "slots": (Span(start, start + len(room), "room"),)}
        found.append(Row(f"r{number}", form.format(room), labels))
    return found


@pytest.fixture(scope="module", params=sorted(SAMPLES))
def learned(request: pytest.FixtureRequest) -> tuple[Linear, list[Row]]:
    """A model that has seen all but every fifth row, and those."""
    every = rows(request.param)
    held, train = every[::5], [row for i, row in enumerate(every) if i % 5]
    made = candidate(SLOTS, FORM, approach="linear")
    return Linear.train(made, Path(), {"home": train}, {"home": held}, Path()), held


def test_spans_are_learnt_and_whole(learned: tuple[Linear, list[Row]]) -> None:
    model, held = learned
    answers = model.predict([row.text for row in held])["slots"]
    found = [{(s.start, s.end) for s in answer} for answer in answers if isinstance(answer, tuple)]
    gold = [{(s.start, s.end) for s in row.labels["slots"] or ()} for row in held]
    right = sum(len(a & b) for a, b in zip(found, gold, strict=True))
    assert 2 * right / (sum(map(len, found)) + sum(map(len, gold))) >= 0.9


def test_classes_are_learnt(learned: tuple[Linear, list[Row]]) -> None:
    model, held = learned
    answers = model.predict([row.text for row in held])["form"]
    labels = [answer.label for answer in answers if isinstance(answer, LabelPrediction)]
    assert labels == [row.labels["form"] for row in held]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Turn a LED_2 on, m² 20C", ["turn", "led_2", "on", "m²", "20c"]),
        ("打开灯 now", ["打", "开", "灯", "now"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("น้ำ ๒๓", ["น้ำ", "๒๓"]),
        ("cafe\u0301 x\u0301", ["cafe\u0301", "x\u0301"]),
    ],
)
def test_words_that_classes_are_learnt_from(text: str, expected: list[str]) -> None:
    found = word_features(text)
    assert found[: len(expected)] == expected
    assert found[len(expected) :] == [f"{a} {b}" for a, b in pairwise(expected)]


@pytest.mark.parametrize(
    "words",
    [
        ("a b c d", "w x y z"),
        ("😀 😃 🥳 😁", "😢 😭 😞 🥲"),
        ("1 2 3", "7 8 9"),
        ("! ? …", "; : ,"),
    ],
)
def test_texts_without_words_are_learnt_from_their_signs(words: tuple[str, str]) -> None:
    signs = [each.split() for each in words]
    every = [
        Row(f"r{i}", " ".join(signs[i % 2][(i + j) % 3] for j in range(4)), {"form": FORMS[i % 2]})
        for i in range(24)
    ]
    model = Linear.train(
        candidate(FORM, approach="linear"), Path(), {"home": every[:18]}, {"home": []}, Path()
    )
    answers = model.predict([row.text for row in every[18:]])["form"]
    labels = [answer.label for answer in answers if isinstance(answer, LabelPrediction)]
    assert labels == [row.labels["form"] for row in every[18:]]


def test_texts_of_which_nothing_can_be_seen_are_refused() -> None:
    rows_ = [Row(f"r{i}", " \u200b"[i % 2], {"form": FORMS[i % 2]}) for i in range(6)]
    with pytest.raises(PlaitError, match="'form': none of 6 training texts has a visible charac"):
        Linear.train(candidate(FORM, approach="linear"), Path(), {"home": rows_}, {}, Path())
