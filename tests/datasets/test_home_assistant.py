"""Home Assistant's sentences: as many as wanted, no template in two splits, values fit for them."""

import json
import random
from collections import Counter, defaultdict

import pytest
from hassil.intents import Intents, TextSlotList
from hassil.recognize import recognize_all
from hypothesis import given
from hypothesis import strategies as st

from plait.datasets.home_assistant import HomeAssistant, Sizes
from plait.datasets.home_grammar import Grammar
from plait.datasets.home_sampling import Sampler, quotas
from plait.datasets.home_values import LISTS, NAMES
from plait.tasks import SPLITS
from raw import Raw, counts, labels, raw

__all__ = ["raw"]


@pytest.fixture(scope="session")
def grammar(raw: Raw) -> Grammar:
    path = raw.folder(HomeAssistant()) / "en.json"
    return Grammar(json.loads(path.read_text(encoding="utf-8")))


def test_home_rows_are_as_many_as_wanted(raw: Raw) -> None:
    rows = raw.rows(HomeAssistant())
    assert counts(rows) == {"train": 3000, "dev": 500, "heldout": 1500}
    assert len({row.text.lower() for _, row in rows}) == len(rows), "no text occurs twice"
    assert len(labels(rows, "intent", "train")) == 42


def test_home_intents_are_in_every_split_and_none_drowns_the_others(raw: Raw) -> None:
    rows = raw.rows(HomeAssistant())
    assert labels(rows, "intent", "heldout") == labels(rows, "intent", "train")
    missing = labels(rows, "intent", "train") - labels(rows, "intent", "dev")
    assert missing == {"HassNevermind"}, "it has two texts in all"
    assert max(Counter(row.labels["intent"] for _, row in rows).values()) < len(rows) / 15


@pytest.mark.parametrize("seed", [17, 3])
def test_no_template_stands_in_two_splits(grammar: Grammar, seed: int) -> None:
    """A held-out text is of a template, and of a skeleton, that no training text is of."""
    sampler = Sampler(grammar, seed)
    places: dict[str, set[str]] = defaultdict(set)
    sizes = dict.fromkeys(SPLITS, 600)
    for split, _, samples in sampler.samples(sizes):
        for sample in samples:
            places[sample.skeleton].add(split)
    assert sum(len(splits) > 1 for splits in places.values()) == 0
    assert Counter(next(iter(splits)) for splits in places.values())["heldout"] > 300
    sentences: dict[str, set[str]] = defaultdict(set)
    for intent, units in sampler.units.items():
        for split, members in units.items():
            for unit in members:
                sentences[f"{intent}: {unit.key}"].add(split)
    assert len(sentences) > 862
    assert all(len(splits) == 1 for splits in sentences.values())


def test_hassil_finds_the_same_intent_and_slots(raw: Raw) -> None:
    """The reference recogniser reads from each text what the sampler put into it."""
    path = raw.folder(HomeAssistant()) / "en.json"
    intents = Intents.from_dict(json.loads(path.read_text(encoding="utf-8")))
    names = [(name, name, {"domain": d}) for d, values in NAMES.items() for name in values]
    lists = {name: TextSlotList.from_strings(values) for name, values in LISTS.items()}
    lists["name"] = TextSlotList.from_tuples(names)
    rows = [row for _, row in raw.rows(HomeAssistant())]
    for row in random.Random(0).sample(rows, 250):
        readings = [
            {(entity.name, entity.text.strip().lower()) for entity in found.entities_list}
            for found in recognize_all(
                row.text, intents, lists, intent_context={"area": "here"}, language="en"
            )
            if found.intent.name == row.labels["intent"]
        ]
        spans = row.labels["slots"]
        assert isinstance(spans, tuple)
        put = {(span.label, row.text[span.start : span.end].lower()) for span in spans}
        assert any(put <= reading for reading in readings), (row.text, put, readings)


def test_some_values_are_new_in_each_split(raw: Raw) -> None:
    values: dict[str, set[str]] = defaultdict(set)
    for split, row in raw.rows(HomeAssistant()):
        spans = row.labels["slots"]
        assert isinstance(spans, tuple)
        values[split] |= {row.text[s.start : s.end] for s in spans if s.label == "area"}
    for split in ("dev", "heldout"):
        assert values[split] - values["train"]
        assert values[split] & values["train"]


def test_values_are_distinct_and_fit_for_a_template() -> None:
    for name, values in {**LISTS, **NAMES}.items():
        assert len(set(values)) == len(values) >= 12, name
        assert all(value == " ".join(value.split()).lower() for value in values), name


@given(
    st.integers(0, 300),
    st.dictionaries(st.text(), st.tuples(st.floats(0.1, 9), st.integers(0, 40)), max_size=8),
)
def test_quotas_fill_what_can_be_filled(total: int, intents: dict[str, tuple[float, int]]) -> None:
    weights = {name: weight for name, (weight, _) in intents.items()}
    capacities = {name: capacity for name, (_, capacity) in intents.items()}
    shares = quotas(total, weights, capacities)
    assert all(shares[name] <= capacities[name] for name in intents)
    assert sum(shares.values()) == min(total, sum(capacities.values()))


def test_smaller_home(raw: Raw) -> None:
    rows = raw.rows(HomeAssistant(rows=Sizes(train=100, dev=0, heldout=50)))
    assert counts(rows) == {"train": 100, "heldout": 50}
