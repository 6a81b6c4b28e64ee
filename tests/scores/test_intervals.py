"""Intervals of a single metric: known answers, references, and how often they hold the truth."""

from functools import partial

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from plait.scores.differences import paired_bootstrap, unseen_share
from plait.scores.intervals import Rows, estimate, influences, jackknife_variance, share, wilson
from plait.scores.row_results import Pair, RowResults, compare, mean_over
from plait.scores.scoring import (
    classification,
    macro_f1,
    micro_f1,
    one_hot_counts,
    rows_of_macro_f1,
    tagging,
)
from plait.tasks import Span

X = Span(0, 1, "x")


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 400), st.integers(0, 400))
def test_the_interval_of_a_share_is_scipy_s_wilson(n: int, hits: int) -> None:
    hits = min(hits, n)
    found = share(np.array([1.0] * hits + [0.0] * (n - hits)))
    theirs = scipy.stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert found.ci95 == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= found.ci95[0] <= found.value <= found.ci95[1] <= 1
    assert found.n == n


def test_wilson_of_a_fraction_of_rows_is_statsmodels_s() -> None:
    theirs = proportion_confint(0.83 * 37.4, 37.4, method="wilson")
    assert wilson(0.83, 37.4) == pytest.approx(theirs)
    assert wilson(0.5, 0) == (0, 1)


def test_three_of_three_and_none_of_ten_leave_much_open() -> None:
    # 3 / (3 + 1.96²), and 1.96² / (10 + 1.96²)
    assert share(np.ones(3)).ci95 == (pytest.approx(0.438503, abs=1e-6), 1)
    assert share(np.zeros(10)).ci95 == (0, pytest.approx(0.277533, abs=1e-6))
    assert share(np.ones(1)).ci95 == (pytest.approx(0.206549, abs=1e-6), 1)


def test_accuracy_is_a_share_of_rows() -> None:
    found = classification([*"aab", None], [*"aaaa"]).metrics["accuracy"]
    assert found == share(np.array([1.0, 1.0, 0.0]))


@pytest.mark.parametrize(("answer", "value"), [(X, 1.0), (Span(0, 1, "y"), 0.0)])
def test_spans_that_are_all_right_or_all_wrong_prove_what_their_rows_can(
    answer: Span, value: float
) -> None:
    """Rows without spans prove nothing, and a row of two spans no more than a row."""
    gold, found = [(X, Span(2, 3, "x")), (X,), (X,), (), ()], [answer, Span(2, 3, answer.label)]
    metric = tagging(gold, [tuple(found), (answer,), (answer,), (), ()]).metrics["span_f1"]
    assert (metric.value, metric.n) == (value, 5)
    assert metric.ci95 == wilson(value, 3)


def test_no_spans_at_all_prove_nothing() -> None:
    metric = tagging([(), ()], [(), ()]).metrics["span_f1"]
    assert (metric.value, metric.ci95) == (0, (0, 1))


def test_labels_of_one_row_that_are_all_right_prove_what_so_many_labels_can() -> None:
    """97 rows of one label and three of others: macro-F1 rests on the three as much."""
    labels = [*"a" * 97, *"bcd"]
    found = classification(labels, labels).metrics["macro_f1"]
    assert found.ci95 == pytest.approx(wilson(1, 4**2 / (3 + 1 / 97)))
    even = [*"ab" * 50]
    assert classification(even, even).metrics["macro_f1"].ci95 == wilson(1, 100)


@pytest.mark.filterwarnings("error")
def test_one_row_has_an_interval() -> None:
    for answer, value in (("a", 1.0), ("b", 0.0)):
        for metric in classification(["a"], [answer]).metrics.values():
            assert (metric.value, metric.ci95) == (value, wilson(value, 1))


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "span_f1"])
def test_a_mean_over_seeds_that_are_all_right_leaves_as_much_open(metric: str) -> None:
    right = frozenset({(0, 1, "x")}) if metric == "span_f1" else "x"
    rows: RowResults = {str(row): Pair(right, right) for row in range(3)}
    found = mean_over([rows, rows], metric)
    assert (found.value, found.ci95) == (1, pytest.approx(wilson(1, 3)))


def test_a_mean_over_seeds_is_as_sure_as_one_seed_at_most() -> None:
    """A row that one of three seeds has wrong is not three rows."""
    seeds: list[RowResults] = [
        {str(row): Pair("a", "b" if row < wrong else "a") for row in range(50)}
        for wrong in (1, 0, 0)
    ]
    assert mean_over(seeds, "accuracy").ci95 == pytest.approx(wilson(1 - 1 / 150, 50))


def test_the_jackknife_leaves_out_one_row_after_another() -> None:
    statistics = np.random.default_rng(3).integers(0, 3, size=(60, 3)).astype(float)
    without = [micro_f1(np.delete(statistics, row, 0).sum(0)[None])[0, 0] for row in range(60)]
    found = jackknife_variance(*influences(statistics, micro_f1))
    assert found == pytest.approx(59 * np.var(without))


def test_rows_that_are_all_alike_are_not_taken_for_sure_through_rounding() -> None:
    statistics = np.arange(1, 9)[:, None] * np.array([0.1, 0.3])
    found = estimate(statistics, lambda sums: sums[:, :1] / sums[:, 1:], Rows(alike=8))
    assert found.ci95 == pytest.approx(wilson(1 / 3, 8))


CLASSES = 60
ZIPF = 1 / np.arange(1, CLASSES + 1) / np.sum(1 / np.arange(1, CLASSES + 1))
RECALL = np.linspace(0.95, 0.6, CLASSES)


def drawn(draw: np.random.Generator, n: int) -> np.ndarray:
    """Rows of 60 labels, most of them rare and harder, as `one_hot_counts`."""
    gold = draw.choice(CLASSES, size=n, p=ZIPF)
    other = (gold + draw.integers(1, CLASSES, size=n)) % CLASSES
    return one_hot_counts(gold, np.where(draw.random(n) < RECALL[gold], gold, other), CLASSES)


def test_the_interval_of_macro_f1_holds_the_expected_value_with_rare_labels() -> None:
    """The percentile bootstrap holds it in half of these samples or fewer."""
    draw = np.random.default_rng(11)
    samples = [drawn(draw, 800) for _ in range(150)]
    expected = np.mean([macro_f1(s.sum(0, keepdims=True)) for s in samples])
    found = [estimate(s, macro_f1, rows_of_macro_f1(s)).ci95 for s in samples]
    held = np.mean([low <= expected <= high for low, high in found])
    assert 0.94 <= held <= 0.995


def test_a_loss_of_macro_f1_with_rare_labels_is_no_surer_than_the_jackknife() -> None:
    """Resamples lose labels, and with them the spread of what is left."""
    draw = np.random.default_rng(0)
    one, other = drawn(draw, 300), drawn(draw, 300)
    difference = partial(_difference, one.shape[1])
    error = np.sqrt(
        jackknife_variance(*influences(np.concatenate([one, other], axis=1), difference))
    )
    found = paired_bootstrap(one, other, lambda sums: macro_f1(sums)[:, 0], resamples=200)
    assert found.value - found.lower >= 1.644 * error
    assert found.upper - found.value >= 1.644 * error
    assert found.ci95[1] - found.ci95[0] >= 2 * 1.959 * error
    assert found.p >= 2 * scipy.stats.norm.sf(abs(found.value) / error) - 1e-9


def test_candidates_that_agree_leave_unseen_what_the_rows_of_rare_labels_can() -> None:
    """700 rows would exclude a loss of half a point, if each counted as much."""
    answers = {str(row): Pair(label, label) for row, label in enumerate([*"a" * 697, *"bcd"])}
    found, plain = (compare(answers, dict(answers), name) for name in ("macro_f1", "accuracy"))
    assert found.lower == pytest.approx(-unseen_share(4**2 / (3 + 1 / 697)))
    assert (found.non_inferior(0.005), plain.non_inferior(0.005)) == ("undecided", "non-inferior")


def test_candidates_that_agree_leave_unseen_what_the_rows_with_spans_can() -> None:
    spans = {str(row): Pair(frozenset({(0, 1, "x")}), frozenset()) for row in range(9)}
    answers = {**spans, **{f"no {row}": Pair(frozenset(), frozenset()) for row in range(900)}}
    found = compare(answers, dict(answers), "span_f1")
    assert (found.lower, found.n) == (pytest.approx(-unseen_share(9)), 909)


def _difference(width: int, sums: np.ndarray) -> np.ndarray:
    value: np.ndarray = macro_f1(sums[:, :width]) - macro_f1(sums[:, width:])
    return value
