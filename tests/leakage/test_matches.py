"""Texts that stand twice: what is found, what is not, and what is left of it for the benchmark."""

import itertools
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notes import TASKS, Data, declared, healthy, write
from plait.experiment.schema import Validation
from plait.leakage import near
from plait.leakage.leaks import leaks
from plait.leakage.matches import Text, match
from plait.leakage.near import near_pairs, near_pairs_in_parts, similarities
from plait.leakage.shingles import Shingles, packed, shingles, unpacked, words, words_digest
from plait.tasks import Task
from plait.validation.clusters import clusters
from plait.validation.validating import validate

WORDS = [f"w{i}" for i in range(4000)]
HASHES = [236869916, 1429239691, 3239074128]


def text(seed: int, count: int = 60) -> list[str]:
    return random.Random(seed).choices(WORDS, k=count)


def as_text(name: str, found: list[str], short_words: int = 20) -> Text:
    sets = shingles(found) if len(found) >= short_words else None
    return Text(name, " ".join(found), words_digest(found), sets)


def jaccard(left: list[str], right: list[str]) -> float:
    """Of the sets of word pairs, without hashes."""
    one, other = (set(itertools.pairwise(each)) for each in (left, right))
    return len(one & other) / len(one | other) if one | other else 0.0


def edited(found: list[str], share: float) -> list[str]:
    """A share of the words replaced, evenly."""
    step = round(1 / share)
    return [f"new{i}" if i % step == 0 else word for i, word in enumerate(found)]


@given(
    st.lists(st.sampled_from("abcd"), max_size=40), st.lists(st.sampled_from("abcd"), max_size=40)
)
def test_jaccard_of_hashes_is_that_of_the_words(left: list[str], right: list[str]) -> None:
    expected = jaccard(left, right)
    sets, pairs = [shingles(left), shingles(right)], (np.array([0, 1]), np.array([1, 1]))
    assert similarities(sets, *pairs) == pytest.approx([expected, float(len(right) > 1)])


def test_hashes_are_the_same_on_every_machine() -> None:
    assert shingles(["turn", "on", "the", "light"]).tolist() == HASHES
    assert words_digest(words("Turn ON, the light!")) == words_digest(
        ["turn", "on", "the", "light"]
    )
    assert unpacked(packed(shingles(text(1)))).tolist() == shingles(text(1)).tolist()
    assert len(shingles(["one"])) == len(shingles([])) == 0


def test_every_pair_above_the_threshold_is_found_and_no_other() -> None:
    """Against all pairs, one by one."""
    rng = random.Random(3)
    base = [text(i) for i in range(60)]
    every = base + [edited(each, rng.choice([0.05, 0.1, 0.2, 0.5])) for each in base]
    sets = [shingles(each) for each in every]
    expected = {
        (i, j)
        for i, j in itertools.combinations(range(120), 2)
        if jaccard(every[i], every[j]) >= 0.4
    }
    found = near_pairs(sets, 0.4)
    assert set(zip(found.first.tolist(), found.second.tolist(), strict=True)) == expected
    assert len(expected) >= 30
    assert found.similarity.min() >= 0.4


def test_pairs_are_the_same_whatever_is_in_memory_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    every = [*map(text, range(60)), *(edited(text(i % 20), 0.1) for i in range(60)), *[[]] * 3]
    sets = [shingles(each) for each in every]
    whole = near_pairs(sets, 0.4)
    for limit, value in (("_PAIRS", 7), ("_AT_ONCE", 200), ("_HASHED", 5), ("_COMPARED", 3)):
        monkeypatch.setattr(near, limit, value)
    parts = list(near_pairs_in_parts(sets, 0.4))
    assert len([part for part in parts if len(part.first)]) > 5
    found = near_pairs(sets, 0.4)
    assert len(whole.first) >= 60
    for name in ("first", "second", "similarity"):
        assert getattr(found, name).tolist() == getattr(whole, name).tolist()


def test_clusters_are_the_same_whatever_is_in_memory_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each text is an edited copy of the one before: all of them are one cluster."""
    chain = [text(0)]
    for i in range(1, 30):
        chain.append([*chain[-1][:-8], *(f"new{i}x{j}" for j in range(8))][-60:])
        chain[-1] = [*chain[-1][8:], *(f"more{i}x{j}" for j in range(8))]
    texts = [as_text(str(i), each) for i, each in enumerate(chain)]
    monkeypatch.setattr(near, "_PAIRS", 2)
    found = match({("a", "train"): texts}, 0.4)
    assert len(list(found.pairs_in_parts())) > 3
    assert [len(cluster) for cluster in found.clusters()] == [30]


def test_cost_of_a_large_cluster_is_bounded() -> None:
    """2,000 texts that are all alike make two million pairs; not all are looked at."""
    common = text(0, 58)
    found = near_pairs([shingles([*common, f"x{i}", f"y{i}"]) for i in range(2000)], 0.4)
    assert 2000 < len(found.first) < 200_000


def test_without_texts_there_are_no_pairs() -> None:
    assert len(near_pairs([], 0.4).first) == 0
    assert len(near_pairs([np.empty(0, np.uint32)] * 3, 0.4).first) == 0


@settings(max_examples=20)
@given(st.permutations(range(12)))
def test_order_of_texts_does_not_matter(order: list[int]) -> None:
    every = [text(i % 6) if i < 6 else edited(text(i % 6), 0.1) for i in range(12)]
    sets: list[Shingles] = [shingles(every[i]) for i in order]
    found = near_pairs(sets, 0.4)
    pairs = {
        frozenset((order[i], order[j])) for i, j in zip(found.first, found.second, strict=True)
    }
    assert pairs == {frozenset((i, i + 6)) for i in range(6)}


def test_short_utterances_are_near_only_where_their_words_are_the_same() -> None:
    said = ["turn on the light", "turn off the light", "Turn on the light!", "turn on the lights"]
    texts = [as_text(str(i), words(each)) for i, each in enumerate(said)]
    texts[2] = Text("2", "other", texts[2].words_digest, None)
    found = match({("home", "train"): texts}, 0.1)
    assert found.near_repeats(("home", "train")).tolist() == [False, False, True, False]


def test_sides_are_told_apart() -> None:
    found = match(
        {
            ("a", "train"): [
                as_text("t0", text(0)),
                as_text("t1", text(1)),
                as_text("t2", text(1)),
            ],
            ("a", "heldout"): [as_text("h0", text(0)), as_text("h1", edited(text(1), 0.1))],
            ("b", "train"): [as_text("b0", edited(text(0), 0.1)), as_text("b1", text(7))],
        },
        0.4,
    )
    held, train, other = ("a", "heldout"), ("a", "train"), ("b", "train")
    assert found.equal_in(held, [train]).tolist() == [True, False]
    assert found.near_in(held, [train]).tolist() == [False, True]
    assert found.near_in(held, [other]).tolist() == [True, False]
    assert found.repeats(train).tolist() == [False, False, True]
    assert [found.split_of(i) for i in (0, 2, 3, 6)] == [train, train, held, other]
    shown = [sorted(found.names[i] for i in cluster) for cluster in found.clusters()]
    assert sorted(shown) == [["b0", "h0", "t0"], ["h1", "t1", "t2"]]


def test_leaks_are_those_of_the_mixture_alone() -> None:
    texts = {
        ("a", "train"): [as_text("t", text(0))],
        ("a", "dev"): [as_text("d", text(1))],
        ("a", "heldout"): [
            as_text("same", text(0)),
            as_text("near", edited(text(1), 0.1)),
            as_text("elsewhere", text(2)),
            as_text("free", text(3)),
        ],
        ("b", "train"): [as_text("b", text(2))],
        ("b", "heldout"): [as_text("hb", text(0))],
    }
    found = match(texts, 0.4)
    assert leaks(found, []) == {
        "a": {"exact": ["same"], "near": ["near"]},
        "b": {"exact": [], "near": []},
    }
    assert leaks(found, [["a", "b"]]) == {
        "a": {"exact": ["elsewhere", "same"], "near": ["near"]},
        "b": {"exact": ["hb"], "near": []},
    }


def test_texts_with_nothing_to_compare_match_nothing() -> None:
    nothing = [Text(str(i), None, None, None) for i in range(3)]
    found = match({("a", "train"): nothing, ("a", "heldout"): nothing}, 0.4)
    assert not found.repeats(("a", "train")).any()
    assert not found.near_in(("a", "heldout"), [("a", "train")]).any()
    assert found.clusters() == []
    assert clusters("a", found).count == 0


def _other(data: Data) -> Data:
    """Rows of another data set: other texts, and one of the first's training texts."""
    for split, rows in data.items():
        for i, row in enumerate(rows):
            row.update(text=f"another {split} text number {i}", id=f"{split}-{i}")
            row["labels"]["slots"] = []
    return data


@pytest.mark.parametrize(("together", "passed"), [([["notes", "other"]], False), ([], None)])
def test_texts_of_another_dataset_of_the_mixture(
    tmp_path: Path, together: list[list[str]], passed: bool | None
) -> None:
    other = _other(healthy())
    other["train"][4]["text"] = "in train at 1 o'clock"
    write(tmp_path, healthy())
    write(tmp_path, other, "other")
    topic = TASKS[0]
    tasks = [topic, Task("other", "other", topic.kind, topic.field, topic.labels, topic.metric)]
    report = validate(tmp_path, tasks, Validation(), together)
    found = [r for r in report.results if r.rule == "text_elsewhere"]
    if passed is None:
        assert found == []
        return
    assert [(r.dataset, r.split, r.passed, r.rows) for r in found] == [
        ("notes", "train", False, ("train-1",)),
        ("notes", "dev", True, ()),
        ("notes", "heldout", True, ()),
        ("other", "train", False, ("train-4",)),
        ("other", "dev", True, ()),
        ("other", "heldout", True, ()),
    ]
    assert found[0].severity == "warning"
    assert found[0].sentence == (
        "1 of 40 train rows have a text that occurs, or nearly so, in train or dev of other. "
        "A candidate trains on both datasets: remove the copies from one of them."
    )


def test_held_out_rows_are_compared_by_their_fingerprints_alone(tmp_path: Path) -> None:
    """The fingerprints give the same matches as the texts would."""
    data = healthy()
    long = " ".join(text(5))
    data["train"][0].update(text=long)
    data["heldout"][0].update(text=" ".join(edited(text(5), 0.1)))
    data["heldout"][1].update(text="IN TRAIN at 7 o'clock")
    for row in (data["train"][0], *data["heldout"][:2]):
        row["labels"]["slots"] = []
    _, tables = declared(tmp_path, data)
    assert tables["heldout"]["near_train"].tolist() == [True, True] + [False] * 18
    assert not tables["heldout"]["in_train"].any()
