"""Behavioural tests and slices on rows small enough to work out by hand; requests in turns."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import small
from plait.benchmark.behaviour import behaviour, misspelt, punctuated, upper_case
from plait.benchmark.request_latency import PARALLEL, SEQUENCE, ratio_of_medians, time_plans
from plait.scores.slices import slices
from plait.tasks import LabelPrediction, Prediction, Row, Span, Task

TOPIC = Task("topic", "notes", "classification", "topic", ("news", "sport"), "accuracy")
PLACE = Task("place", "notes", "tagging", "place", ("place",), "span_f1")
PLACES = ("Rome", "Oslo", "New York")


class Keywords:
    """A model that can be worked out by hand: a place is a known name, the first word's the topic.

    It knows the words as they are written here, so capitals and typos mislead it.
    """

    def predict(self, texts: Sequence[str], batch_size: int = 32) -> dict[str, list[Prediction]]:
        return {
            "topic": [self._topic(text) for text in texts],
            "place": [self._places(text) for text in texts],
        }

    def _topic(self, text: str) -> LabelPrediction:
        sport = text.count("football") / max(1, text.count("football") + text.count("minister"))
        return LabelPrediction(
            "sport" if sport > 0.5 else "news", {"sport": sport, "news": 1 - sport}
        )

    def _places(self, text: str) -> tuple[Span, ...]:
        found = [(text.find(name), name) for name in PLACES if name in text]
        return tuple(Span(at, at + len(name), "place") for at, name in found)


def note(index: int, text: str, topic: str, place: str) -> Row:
    at = text.index(place)
    spans = (Span(at, at + len(place), "place"),)
    return Row(f"n{index}", text, {"topic": topic, "place": spans, "source": f"paper {index % 2}"})


ROWS = [
    note(0, "football in Rome", "sport", "Rome"),
    note(1, "the minister is in Oslo", "news", "Oslo"),
    note(2, "football in New York.", "sport", "New York"),
    note(3, "FOOTBALL IN Oslo", "sport", "Oslo"),
]


def results(task: Task) -> dict[str, tuple[float, int]]:
    model: Any = Keywords()
    answers = model.predict([row.text for row in ROWS])
    found = behaviour([task], model, ROWS, answers)[task.name]
    return {each["test"]: (each["value"], each["n"]) for each in found}


def test_pass_rates_of_a_model_that_reads_capitals_as_other_words() -> None:
    found = results(TOPIC)
    # In capitals "football" is no longer seen: the two sport rows become news; the others stay.
    assert found["invariance: case"] == (pytest.approx(2 / 4), 4)
    assert found["invariance: punctuation"] == (1, 4)
    # The longest words are football, minister, football, FOOTBALL; sport alone hangs on them.
    assert found["invariance: typo"] == (pytest.approx(2 / 4), 4)
    (name,) = [name for name in found if name.startswith("directional")]
    assert found[name] == (1, 4)  # a text of the other topic in front never makes it surer


def test_pass_rates_of_spans_whose_values_are_replaced() -> None:
    found = results(PLACE)
    assert found["invariance: case"] == (0, 4)
    assert found["invariance: punctuation"] == (1, 4)
    (name,) = [name for name in found if name.startswith("directional")]
    assert found[name] == (1, 4)


def test_a_model_that_does_not_follow_the_text_fails() -> None:
    class Fixed(Keywords):
        def _places(self, text: str) -> tuple[Span, ...]:
            return (Span(12, 16, "place"),)  # where Rome and Oslo stand, whatever the text says

    model: Any = Fixed()
    answers = model.predict([row.text for row in ROWS])
    found = {each["test"]: each for each in behaviour([PLACE], model, ROWS, answers)["place"]}
    name = "directional: a replaced value is found again"
    # Rome → (next of New York, Oslo, Rome) New York is longer, Oslo → Rome is not.
    assert (found[name]["value"], found[name]["n"]) == (pytest.approx(1 / 2), 2)


@pytest.mark.parametrize(
    ("change", "text", "changed"),
    [
        (upper_case, "Turn on", "TURN ON"),
        (upper_case, "Straße", "Straße"),  # ß would become SS and move what follows
        (punctuated, "turn on", "turn on."),
        (punctuated, "turn on?!", "turn on"),
        (punctuated, "...", "...."),
        (misspelt, "turn on the kitchen light", "turn on the kicthen light"),
        (misspelt, "on it", "on it"),
        (misspelt, "", ""),
    ],
)
def test_changes_of_a_text(change: Any, text: str, changed: str) -> None:
    assert change(text) == changed


def test_slices_hold_each_labelled_row_once_and_only_there() -> None:
    rows = [*ROWS, Row("n4", "nothing known", {"topic": None, "place": None, "source": "paper 9"})]
    asked = frozenset({"topic", "place"})
    found = slices(TOPIC, rows, {"sport": 12, "news": 0}, frozenset({"n1", "n4"}), asked)
    by = {(each.by, each.name): each.rows for each in found}
    assert by["training rows of the label", "0"] == (1,)
    assert by["training rows of the label", "10–99"] == (0, 2, 3)
    assert by["leak", "leaked"] == (1,)
    assert by["leak", "leak-free"] == (0, 2, 3)
    assert by["source", "paper 0"] == (0, 2)  # a field that the candidate doesn't answer
    assert ("topic", "sport") not in by
    for name in ("length", "training rows of the label", "leak", "source"):
        rows_of = sorted(row for (kind, _), each in by.items() if kind == name for row in each)
        assert rows_of == [0, 1, 2, 3]


def test_length_slices_are_quarters_that_do_not_overlap() -> None:
    rows = [Row(str(n), "w " * n, {"topic": "news"}) for n in range(1, 101)]
    found = [s for s in slices(TOPIC, rows, {}, None, frozenset({"topic"})) if s.by == "length"]
    assert [len(each.rows) for each in found] == [25, 25, 25, 25]
    assert [each.name for each in found] == [
        "1–25 words", "26–50 words", "51–75 words", "76–100 words",
    ]  # fmt: skip


def test_characters_are_words_in_a_script_without_spaces() -> None:
    texts = ["打开灯", "ไฟ", "서울", "turn it on", "LED灯 an", "don't, ok"]
    rows = [Row(f"n{i}", text, {"topic": "news"}) for i, text in enumerate(texts)]
    found = [s for s in slices(TOPIC, rows, {}, None, frozenset({"topic"})) if s.by == "length"]
    assert {each.name: each.rows for each in found} == {
        "2–2 words": (1, 2, 5),
        "3–3 words": (0, 3, 4),
    }


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("dim the kitchen", "dim the kicthen"),
        ("включи свет", "вкюлчи свет"),
        ("打开客厅的灯", None),
        ("เปดไฟในครว", None),
        ("서울에서 만나", None),
        ("play Beyonce\u0301", None),
    ],
)
def test_a_typo_swaps_letters_of_one_word(text: str, changed: str | None) -> None:
    assert misspelt(text) == (changed or text)


def test_of_several_span_types_the_rarest_in_training_names_the_slice() -> None:
    rows = small.rows(3, 4)[:2]
    found = slices(small.SLOTS, rows, {"name": 500, "area": 3}, None, frozenset({"slots"}))
    names = {each.name for each in found if each.by == "training rows of the label"}
    assert names == {"1–9"}


class Slow(Keywords):
    """Sleeps, as a model does that another processor works for."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.calls = seconds, 0

    def predict(self, texts: Sequence[str], batch_size: int = 32) -> dict[str, list[Prediction]]:
        self.calls += 1
        time.sleep(self.seconds)
        return {}


def test_a_plan_of_several_models_is_timed_in_sequence_and_in_parallel() -> None:
    one, first, second = Slow(0.02), Slow(0.02), Slow(0.02)
    plans: Any = {"one": [one], "two": [first, second]}
    found = time_plans(plans, [f"text {i}" for i in range(30)], seconds=0.1)
    ways = found["plans"]["two"]
    assert set(found["plans"]["one"]) == {SEQUENCE}
    assert set(ways) == {SEQUENCE, PARALLEL}
    assert ways[SEQUENCE]["p50_ms"] == pytest.approx(40, rel=0.4)
    assert ways[PARALLEL]["p50_ms"] == pytest.approx(20, rel=0.6)
    assert ways[SEQUENCE]["p99_ms"] is None  # of 20 texts it would be the maximum
    ratios = {ratio["to_way"]: ratio for ratio in found["ratios"]}
    assert 0.3 < ratios[SEQUENCE]["ratio"] < 0.7
    assert ratios[SEQUENCE]["ratio"] < ratios[PARALLEL]["ratio"]
    low, high = ratios[SEQUENCE]["ci95"]
    assert low <= ratios[SEQUENCE]["ratio"] <= high
    assert first.calls == second.calls > one.calls
    assert found["machine"]["cpu"]


def test_the_ratio_of_medians_and_its_interval() -> None:
    draw = np.random.default_rng(0)
    slow = draw.gamma(20, 1, 400)
    found = ratio_of_medians(slow / 2, slow)
    assert (found["ratio"], found["ci95"], found["texts"]) == (0.5, [0.5, 0.5], 400)
    other = ratio_of_medians(draw.gamma(20, 1, 400), slow)
    assert other["ci95"][0] < 1 < other["ci95"][1]
