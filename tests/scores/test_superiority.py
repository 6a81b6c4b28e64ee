"""One-sided p of being better: exact where it can be, and right at small levels."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest

from plait.scores.row_results import Pair, RowResults
from plait.scores.scoring import micro_f1
from plait.scores.superiority import ENOUGH, better, exchanged


def labels(right: list[bool]) -> RowResults:
    return {str(i): Pair("a", "a" if each else "b") for i, each in enumerate(right)}


def spans(found: list[int], of: int = 2) -> RowResults:
    """Rows of two gold spans, of which the first so many are found."""
    every = [(place, place + 1, "a") for place in range(of)]
    return {str(i): Pair(frozenset(every), frozenset(every[:n])) for i, n in enumerate(found)}


@pytest.mark.parametrize(("only_first", "only_second"), [(5, 1), (1, 5), (3, 3), (40, 2), (0, 0)])
def test_of_a_share_of_rows_it_is_the_exact_sign_test(only_first: int, only_second: int) -> None:
    one = [True] * only_first + [False] * only_second + [True] * 20
    two = [False] * only_first + [True] * only_second + [True] * 20
    different = only_first + only_second
    wanted = (
        float(binomtest(only_first, different, alternative="greater").pvalue) if different else 1.0
    )
    assert better(labels(one), labels(two), "accuracy", 1e-4) == pytest.approx(wanted)
    assert better(labels(one), labels(two), "accuracy", 1e-9) == pytest.approx(wanted)


def test_exchanges_agree_with_all_of_them() -> None:
    draw = np.random.default_rng(3)
    gold = np.full(10, 2.0)
    first, second = (
        np.stack([found, gold, found + wrong], axis=1)
        for found, wrong in (
            (draw.binomial(2, 0.8, 10).astype(float), draw.binomial(1, 0.1, 10)),
            (draw.binomial(2, 0.5, 10).astype(float), draw.binomial(1, 0.3, 10)),
        )
    )

    def f1(sums: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        return micro_f1(sums)[:, 0]

    swaps = np.array(list(product([0, 1], repeat=10)), dtype=float)
    moved = swaps @ (second - first)
    every = f1(first.sum(0) + moved) - f1(second.sum(0) - moved)
    exact = float(np.mean(every >= every[0] - 1e-9))
    assert 0.001 < exact < 0.2
    assert exchanged(first, second, f1, 1e-4) == pytest.approx(exact, rel=3 / ENOUGH**0.5)


def test_equally_good_is_sure_of_nothing() -> None:
    same = spans([2, 1, 0, 2] * 50)
    assert better(same, spans([2, 1, 0, 2] * 50), "span_f1", 1e-4) == 1.0
    assert better(spans([2, 1] * 50), spans([1, 2] * 50), "span_f1", 1e-4) > 0.3


@pytest.mark.parametrize("level", [1e-3, 1e-4, 1e-5])
def test_much_better_is_shown_at_any_level(level: float) -> None:
    p = better(spans([2] * 150), spans([1] * 150), "span_f1", level)
    assert 0 < p <= level / 5


def test_worse_is_not_better() -> None:
    assert better(spans([1] * 150), spans([2] * 150), "span_f1", 1e-4) > 0.9


def test_one_row_with_many_spans_proves_nothing() -> None:
    """Exchanges call it likely, but all hangs on a single row."""
    many = frozenset((place, place + 1, "a") for place in range(200))
    one = {**spans([1] * 50), "long": Pair(many, many)}
    two = {**spans([1] * 50), "long": Pair(many, frozenset())}
    assert better(one, two, "span_f1", 1e-3) > 0.1
