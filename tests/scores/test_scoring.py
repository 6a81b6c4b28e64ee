"""Scores against hand-worked cases, scikit-learn and seqeval; intervals against theory."""

import random
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score as seqeval_f1
from seqeval.scheme import IOB2
from sklearn.metrics import accuracy_score, f1_score

from iob2 import spans_from_tags
from plait.errors import PlaitError
from plait.scores.intervals import resample, resampled_counts
from plait.scores.scoring import classification, exact_match, micro_f1, score, tagging
from plait.tasks import LabelPrediction, Span, Task

LABELS = ["alt", "comp", "rec", "sci"]
TAGS = ["O", "B-a", "I-a", "B-b", "I-b", "B-c", "I-c"]


def spans(tags: Sequence[str]) -> tuple[Span, ...]:
    return tuple(Span(*span) for span in spans_from_tags(tags))


def test_classification_by_hand() -> None:
    scores = classification(["a", "a", "b", "b", None], ["a", "b", "b", "c", "a"])
    assert scores.correct == (True, False, True, False, None)
    assert scores.metrics["accuracy"].value == 0.5
    assert scores.metrics["accuracy"].n == 4
    # F1: a 2/3, b 2·1/(2+2) = 1/2, c 0 (predicted, never right)
    assert scores.metrics["macro_f1"].value == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert scores.labels == ("a", "b", "c")
    assert scores.confusion == ((1, 1, 0), (0, 1, 1), (0, 0, 0))
    assert scores.classes[0] == {
        "label": "a", "precision": 1.0, "recall": 0.5, "f1": 0.666667, "support": 2, "predicted": 1,
    }  # fmt: skip
    assert scores.classes[2]["support"] == 0


@pytest.mark.filterwarnings("ignore:A single label was found")
@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, "x"])), min_size=1))
def test_classification_equals_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    gold, predicted = zip(*pairs, strict=True)
    metrics = classification(gold, predicted).metrics
    assert metrics["accuracy"].value == pytest.approx(accuracy_score(gold, predicted))
    assert metrics["macro_f1"].value == pytest.approx(
        f1_score(gold, predicted, average="macro", zero_division=0)
    )


def test_spans_by_hand() -> None:
    gold = [(Span(0, 4, "x"), Span(5, 9, "y")), (Span(0, 2, "x"),), (), None, ()]
    found = [(Span(0, 4, "x"), Span(5, 8, "y")), (Span(0, 2, "y"),), (), (Span(0, 1, "x"),), ()]
    scores = tagging(gold, found)
    assert scores.correct == (False, False, True, None, True)
    assert scores.metrics["span_f1"].value == pytest.approx(2 * 1 / (3 + 3))
    assert scores.metrics["span_f1"].n == 4
    by_type = {line["label"]: line for line in scores.classes}
    assert (by_type["x"]["precision"], by_type["x"]["recall"]) == (1.0, 0.5)
    assert (by_type["y"]["support"], by_type["y"]["predicted"], by_type["y"]["f1"]) == (1, 2, 0)


def test_span_order_and_probability_do_not_matter() -> None:
    gold = [(Span(0, 4, "x"), Span(5, 9, "y"))]
    assert tagging(gold, [(Span(5, 9, "y", 0.4), Span(0, 4, "x", 0.2))]).correct == (True,)


@pytest.mark.parametrize(
    ("gold", "found", "f1"),
    [
        ("B-x I-x", "B-x O", 0.0),
        ("B-x I-x", "B-x I-x", 1.0),
        ("O O", "O O", 0.0),
        ("B-x O", "I-x O", 0.0),
        ("B-x I-x O", "B-x I-y O", 0.0),
        ("B-x B-x", "B-x I-x", 0.0),
        ("B-x O B-y", "B-x O I-y", 2 / 3),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_span_f1_of_malformed_sequences(gold: str, found: str, f1: float) -> None:
    truth, guess = gold.split(), found.split()
    assert tagging([spans(truth)], [spans(guess)]).metrics["span_f1"].value == pytest.approx(f1)
    assert seqeval_f1([truth], [guess], mode="strict", scheme=IOB2) == pytest.approx(f1)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_span_f1_equals_seqeval_on_thousands_of_random_sequences() -> None:
    draw = random.Random(1)
    between = 0
    for _ in range(400):
        gold = [draw.choices(TAGS, k=draw.randint(1, 9)) for _ in range(10)]
        found = [[t if draw.random() < 0.8 else draw.choice(TAGS) for t in tags] for tags in gold]
        ours = tagging([spans(t) for t in gold], [spans(t) for t in found]).metrics["span_f1"]
        theirs = seqeval_f1(gold, found, mode="strict", scheme=IOB2, zero_division=0)
        assert ours.value == pytest.approx(theirs, abs=1e-12)
        between += 0 < ours.value < 1
    assert between > 300


def test_score_asks_the_task_and_leaves_unlabelled_rows_out() -> None:
    task = Task("intent", "home", "classification", "intent", ("a", "b"), "accuracy")
    answers = [LabelPrediction(label, {"a": 0.5, "b": 0.5}) for label in "aab"]
    assert score(task, ["a", None, "a"], answers).metrics["accuracy"].value == 0.5
    slots = Task("slots", "home", "tagging", "slots", ("x",), "span_f1")
    assert score(slots, [(Span(0, 1, "x"),), None], [(Span(0, 1, "x"),), ()]).correct == (
        True,
        None,
    )


def test_a_task_that_no_row_has_a_label_for_is_refused() -> None:
    task = Task("intent", "home", "classification", "intnt", ("a", "b"), "accuracy")
    with pytest.raises(
        PlaitError, match=r"'home': none of 2 held-out rows has a label in field 'in"
    ):
        score(task, [None, None], [LabelPrediction("a", {"a": 1.0})] * 2)


def test_exact_match_counts_rows_that_have_every_label() -> None:
    found = exact_match([(True, True, False, None), (True, False, True, True)])
    assert found is not None
    assert (found.value, found.n) == (pytest.approx(1 / 3), 3)
    assert exact_match([(None, True), (True, None)]) is None


def test_intervals_repeat_and_hold_the_value() -> None:
    gold = random.Random(2).choices(LABELS, k=300)
    found = [g if i % 4 else "alt" for i, g in enumerate(gold)]
    first, again = classification(gold, found), classification(gold, found)
    assert first == again
    for estimate in first.metrics.values():
        assert estimate.ci95[0] < estimate.value < estimate.ci95[1]


def test_resampled_rows_are_as_many_as_there_are_rows() -> None:
    chunks = list(resampled_counts(np.arange(7), 250, seed=0))
    counts = np.concatenate(chunks)
    assert counts.shape == (250, 7)
    assert set(counts.sum(axis=1)) == {7.0}
    assert counts.mean(axis=0) == pytest.approx(np.ones(7), abs=0.25)
    assert not np.array_equal(counts[:100], counts[100:200])


def test_the_bootstrap_of_a_ratio_equals_a_loop_over_resamples() -> None:
    statistics = np.random.default_rng(3).integers(0, 4, size=(40, 2)).astype(float)
    found, sampled = resample(statistics, lambda s: s[:, :1] / s[:, 1:], resamples=300, seed=5)
    different, kinds = np.unique(statistics, axis=0, return_inverse=True)
    looped = []
    for counts in np.concatenate(list(resampled_counts(kinds, 300, 5))):
        rows = np.repeat(different, counts.astype(int), axis=0)
        assert len(rows) == 40
        looped.append(rows[:, 0].sum() / rows[:, 1].sum())
    assert found[0] == statistics[:, 0].sum() / statistics[:, 1].sum()
    assert sampled[:, 0] == pytest.approx(looped)


def test_the_bootstrap_agrees_with_scipy_which_draws_rows_one_by_one() -> None:
    statistics = np.random.default_rng(4).integers(0, 4, size=(200, 3)).astype(float)
    _, sampled = resample(statistics, micro_f1, resamples=5000)
    ends = np.quantile(sampled, [0.025, 0.975])

    def f1(hits: Any, gold: Any, found: Any, axis: int) -> Any:
        return 2 * hits.sum(axis) / (gold.sum(axis) + found.sum(axis))

    theirs = scipy.stats.bootstrap(
        tuple(statistics.T), f1, paired=True, vectorized=True, method="percentile",
        n_resamples=5000, rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    width = theirs.high - theirs.low
    assert tuple(ends) == pytest.approx((theirs.low, theirs.high), abs=0.06 * width)


def test_intervals_of_7500_rows_and_60_classes_take_less_than_two_seconds() -> None:
    draw = random.Random(4)
    gold = [f"c{draw.randint(0, 59)}" for _ in range(7500)]
    found = [g if draw.random() < 0.8 else "c0" for g in gold]
    started = time.process_time()
    classification(gold, found)
    assert time.process_time() - started < 2
