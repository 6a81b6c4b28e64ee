"""Statistics of two candidates or several seeds, against scipy, statsmodels and by hand."""

import gc
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.stats
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from plait.plans.seeds import over_seeds
from plait.scores.calibration import calibration, measure
from plait.scores.differences import FINE, Difference, holm, mcnemar, paired_bootstrap
from plait.scores.row_results import (
    Pair,
    RowResults,
    compare,
    compare_means,
    compare_rows,
    mean_over,
    row_results,
)
from plait.scores.scoring import micro_f1
from plait.tasks import LabelPrediction, Span


def drawn(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Two candidates that are right on much the same rows."""
    draw = np.random.default_rng(seed)
    second = (draw.random(n) < 0.8).astype(float)
    first = np.where(draw.random(n) < 0.1, 1 - second, second)
    return first, second


def test_a_large_difference_stays_significant_among_a_hundred() -> None:
    draw = np.random.default_rng(0)
    first, second = (draw.random((2, 500)) < [[0.9], [0.1]]).astype(float)[:, :, None]
    found = paired_bootstrap(first, second, lambda sums: sums[:, 0] / len(first))
    assert found.p == 2 / (1 + FINE)
    assert holm([found.p, *[1.0] * 99])[0] < 0.05


def test_the_paired_bootstrap_agrees_with_scipy() -> None:
    first, second = drawn(1)
    found = paired_bootstrap(first[:, None], second[:, None], lambda s: s[:, 0] / 400, 5000)
    theirs = scipy.stats.bootstrap(
        (first - second,), np.mean, method="percentile", n_resamples=5000,
        rng=np.random.default_rng(2),
    ).confidence_interval  # fmt: skip
    assert found.value == pytest.approx((first - second).mean())
    assert found.ci95 == pytest.approx((theirs.low, theirs.high), abs=0.004)
    z = abs(found.value) / ((first - second).std() / 20)
    assert found.p == pytest.approx(2 * scipy.stats.norm.sf(z), abs=0.03)


def test_one_sided_bounds_are_those_of_scipy_s_bca_a_row_wider() -> None:
    """Of a skewed difference: the first never gains, so its loss may well be larger than seen."""
    lost = np.random.default_rng(4).random(1000) < 0.02
    first, second = (~lost).astype(float), np.ones(1000)
    found = paired_bootstrap(first[:, None], second[:, None], lambda s: s[:, 0] / 1000, 20000)
    for alternative, bound, step in (("greater", found.lower, 1e-3), ("less", found.upper, -1e-3)):
        theirs = scipy.stats.bootstrap(
            (first - second,), np.mean, method="BCa", n_resamples=20000, batch=500,
            alternative=alternative, rng=np.random.default_rng(2),
        ).confidence_interval  # fmt: skip
        wanted = theirs.low if alternative == "greater" else theirs.high
        assert bound + step == pytest.approx(wanted, abs=5e-4)
    symmetric = 1.645 * (first - second).std() / np.sqrt(1000)
    assert found.value - found.lower > symmetric + 1e-3


def test_rows_are_drawn_in_pairs() -> None:
    """Unpaired, the interval of two equal candidates would be 8 points wide."""
    first, _ = drawn(2)
    found = paired_bootstrap(first[:, None], first[:, None], lambda s: s[:, 0] / 400)
    assert (found.value, found.ci95, found.p) == (0, (0, 0), 1)


def test_rows_that_all_agree_prove_no_more_than_their_number_can() -> None:
    """Of 299 rows with a loss on 1 % of the population 5 % of samples show none."""
    for n, finding in [(100, "undecided"), (298, "undecided"), (299, "non-inferior")]:
        right = np.ones((n, 1))
        found = paired_bootstrap(right, right, lambda sums, n=n: sums[:, 0] / n)
        assert found.non_inferior(0.01) == finding
        assert 1 - (1 + found.lower) ** n == pytest.approx(0.95)


def test_a_candidate_is_non_inferior_to_itself_on_however_few_rows() -> None:
    one, like = labels("ab", "ab"), labels("ab", "ab")
    assert compare(one, one, "accuracy").non_inferior(0) == "non-inferior"
    assert compare(one, like, "accuracy").non_inferior(0.01) == "undecided"


def test_the_paired_bootstrap_of_span_f1_equals_a_loop_over_rows() -> None:
    draw = np.random.default_rng(3)
    gold = draw.integers(0, 4, 150)
    one, other = (
        np.stack([hits, gold, np.maximum(hits, gold)], axis=1).astype(float)
        for hits in (draw.binomial(gold, 0.8), draw.binomial(gold, 0.7))
    )
    found = paired_bootstrap(one, other, lambda sums: micro_f1(sums)[:, 0])
    looped = []
    for _ in range(3000):
        rows = draw.integers(0, 150, 150)
        f1 = [2 * s[rows, 0].sum() / s[rows, 1:].sum() for s in (one, other)]
        looped.append(f1[0] - f1[1])
    assert found.ci95 == pytest.approx(tuple(np.quantile(looped, [0.025, 0.975])), abs=0.008)
    assert found.p < 0.05


@pytest.mark.parametrize(
    ("value", "lower", "upper", "margin", "finding"),
    [
        (0.0, -0.009, 0.009, 0.01, "non-inferior"),
        (0.0, -0.010, 0.010, 0.01, "undecided"),  # at the margin nothing is shown
        (-0.02, -0.03, -0.011, 0.01, "inferior"),
        (-0.02, -0.03, -0.005, 0.01, "undecided"),
        (-0.005, -0.008, -0.002, 0.01, "non-inferior"),  # worse, but by less than the margin
        (0.0, 0.0, 0.0, 0.0, "non-inferior"),  # the same candidate
        (0.001, -0.001, 0.003, 0.0, "undecided"),
    ],
)
def test_non_inferiority_rests_on_the_one_sided_interval(
    value: float, lower: float, upper: float, margin: float, finding: str
) -> None:
    found = Difference(value, (lower, upper), lower, upper, 0.5, 100)
    assert found.non_inferior(margin) == finding


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_mcnemar_equals_statsmodels(rows: list[tuple[bool, bool]]) -> None:
    first, second = np.array(rows, dtype=float).T
    table = [[np.sum((first == a) & (second == b)) for b in (1, 0)] for a in (1, 0)]
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (table[0][1], table[1][0])
    if found.only_first + found.only_second:
        assert found.p == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue)
    else:
        assert found.p == 1


def test_mcnemar_by_hand() -> None:
    first = np.array([1, 1, 1, 1, 1, 0, 1, 0], dtype=float)
    second = np.array([0, 0, 0, 0, 0, 0, 1, 1], dtype=float)
    # 5 against 1: 2 · (C(6,0) + C(6,1)) / 2⁶
    assert mcnemar(first, second).p == pytest.approx(2 * 7 / 64)


@pytest.fixture
def small_heap() -> Iterator[None]:
    """statsmodels collects garbage in each call: a third of a second over all that is imported."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("small_heap")
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_equals_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_several_seeds_give_mean_sd_and_student_s_interval() -> None:
    values = [0.81, 0.84, 0.82, 0.83]
    found = over_seeds(values)
    assert (found.mean, found.seeds) == (pytest.approx(0.825), 4)
    assert found.sd == pytest.approx(0.0129099, abs=1e-6)
    theirs = scipy.stats.t.interval(0.95, 3, np.mean(values), scipy.stats.sem(values))
    assert found.ci95 == pytest.approx(theirs)


def test_one_seed_says_nothing_of_seeds() -> None:
    found = over_seeds([0.8])
    assert (found.mean, found.sd, found.ci95) == (0.8, None, None)


def test_calibration_by_hand() -> None:
    probabilities = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55, 0.5])
    right = np.array([1, 1, 1, 0, 0, 0, 1], dtype=float)
    found = measure(probabilities, right, bins=10)
    # (0.9, 1]: 4 · |0.75 - 0.95|; (0.5, 0.6]: 2 · |0 - 0.55|; (0.4, 0.5]: 1 · |1 - 0.5|
    assert found.ece == pytest.approx((4 * 0.2 + 2 * 0.55 + 0.5) / 7)
    assert [(b.n, b.accuracy) for b in found.bins] == [(1, 1.0), (2, 0.0), (4, 0.75)]
    assert [b.low for b in found.bins] == pytest.approx([0.4, 0.5, 0.9])


def test_answers_that_are_right_as_often_as_they_say_have_no_calibration_error() -> None:
    draw = np.random.default_rng(0)
    probabilities = draw.random(200_000)
    right = (draw.random(200_000) < probabilities).astype(float)
    assert measure(probabilities, right).ece < 0.01
    assert measure(probabilities, 1 - right).ece > 0.4
    assert measure(np.array([0.0, 1.0]), np.array([0.0, 1.0])).ece == 0


def test_of_spans_those_that_were_answered_are_judged() -> None:
    gold = [(Span(0, 4, "x"), Span(5, 9, "y")), None, ()]
    answers = [(Span(0, 4, "x", 0.9), Span(5, 8, "y", 0.7)), (Span(0, 1, "x", 0.1),), ()]
    found = calibration(gold, answers)
    assert found is not None
    assert (found.n, found.ece) == (2, pytest.approx((0.1 + 0.7) / 2))
    assert calibration([()], [()]) is None
    choice = calibration(["a", None], [LabelPrediction("a", {"a": 0.8, "b": 0.2})] * 2)
    assert choice is not None
    assert (choice.n, choice.ece) == (1, pytest.approx(0.2))


def labels(gold: str, answers: str) -> RowResults:
    return {str(i): Pair(g, a) for i, (g, a) in enumerate(zip(gold, answers, strict=True))}


def test_candidates_are_compared_on_the_rows_that_both_have() -> None:
    first, second = labels("aabbc", "aabbb"), labels("aabb", "abab")
    assert compare(first, second, "accuracy").value == pytest.approx(1 - 0.5)
    assert compare(first, second, "accuracy").n == 4
    assert compare_rows(first, second).only_first == 2
    gold, answers = list("aabb"), (list("aabb"), list("abab"))
    wanted = np.subtract(*(f1_score(gold, each, average="macro") for each in answers))
    assert compare(first, second, "macro_f1").value == pytest.approx(wanted)


def test_row_results_come_from_prediction_lines() -> None:
    x, y = [0, 2, "x"], [3, 4, "y"]
    lines = [
        {"id": "1", "gold": {"slots": [x]}, "answers": {"slots": [x, y]}},
        {"id": "2", "gold": {"slots": None}, "answers": {"slots": []}},
        {"id": "3", "gold": {"slots": []}, "answers": {"slots": []}},
    ]
    found = row_results(lines, "slots")
    assert list(found) == ["1", "3"]
    nothing = {row: Pair(pair.gold, frozenset()) for row, pair in found.items()}
    assert compare(found, nothing, "span_f1").value == pytest.approx(2 / 3)


def test_the_mean_over_seeds_is_drawn_row_by_row() -> None:
    gold = "ab" * 100
    seeds = [labels(gold, "ab" * 80 + "aa" * 20), labels(gold, "ab" * 60 + "aa" * 40)]
    found = mean_over(seeds, "accuracy")
    assert found.value == pytest.approx((0.9 + 0.8) / 2)
    assert 0.02 < found.ci95[1] - found.ci95[0] < 0.12
    assert mean_over(seeds[:1], "macro_f1").value == pytest.approx(
        f1_score(list(gold), list("ab" * 80 + "aa" * 20), average="macro")
    )


def test_means_over_seeds_are_compared_on_the_same_rows() -> None:
    rng = np.random.default_rng(5)
    gold = "ab" * 150
    first, second = (
        [labels(gold, "".join(rng.choice(list("ab"), 300))) for _ in range(3)] for _ in range(2)
    )
    found = compare_means(first, second, "accuracy")
    apart = [compare(a, b, "accuracy").value for a, b in zip(first, second, strict=True)]
    assert found.value == pytest.approx(np.mean(apart))
    rights = [
        [np.mean([each[row].gold == each[row].answer for each in half]) for row in first[0]]
        for half in (first, second)
    ]
    drawn = scipy.stats.bootstrap(
        rights, lambda a, b, axis: a.mean(axis) - b.mean(axis), paired=True
    )
    assert found.ci95 == pytest.approx(tuple(drawn.confidence_interval), abs=0.008)
    assert compare_means(first[:1], second[:1], "macro_f1") == compare(
        first[0], second[0], "macro_f1"
    )
