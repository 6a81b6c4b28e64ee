"""Is a candidate better than another on the same rows? One-sided p, at levels as small as asked.

If both are equally good, their answers to a row may as well change places. So the difference is
compared with those after random exchanges (approximate randomisation: Noreen 1989; for F1: Yeh
2000, "More accurate tests for the statistical significance of result differences"). Of a share of
rows that is McNemar's test, whose p is exact, however small.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from plait.scores.differences import ROUNDING
from plait.scores.intervals import SEED, Floats, influences, jackknife_variance
from plait.scores.row_results import SHARES, RowResults, compare_rows, shared, statistics

FIRST = 200
"""Exchanges at first: enough to see that two are equally good. Then as many as before, again."""
MOST_AT_ONCE = 10_000
ENOUGH = 50
"""Exchanges that show as large a difference: by then p is far above the level."""
BEYOND = 10
"""As many of them as a p at the level rests on."""


def better(first: RowResults, second: RowResults, metric: str, level: float) -> float:
    """p of the first being no better than the second; it is exact enough to be held to `level`.

    Args:
        metric: one of `plait.tasks.METRICS`.
        level: the largest p that shall count as better (0–1).
    """
    if metric in SHARES:
        from scipy.stats import binom

        found = compare_rows(first, second)
        return float(binom.sf(found.only_first - 1, found.only_first + found.only_second, 0.5))
    (one, other), value = statistics([first, second], shared(first, second), metric)
    return max(exchanged(one, other, value, level), _normal(one, other, value))


def exchanged(
    first: Floats, second: Floats, metric: Callable[[Floats], Floats], level: float
) -> float:
    """The share of random exchanges after which the difference is as large, or larger.

    Stops early where it is surely above `level` (Besag and Clifford 1991, "Sequential Monte Carlo
    p-values"). Never 0.

    Args:
        first: shape (n, S): what each row adds to the S sums of the first candidate.
        second: the same of the second, in the same order of rows.
        metric: sums of shape (B, S) → values of shape (B,).
    """
    kinds, counts = np.unique(second - first, axis=0, return_counts=True)
    ours, theirs = first.sum(axis=0), second.sum(axis=0)

    def difference(moved: Floats) -> Floats:
        return metric(ours + moved) - metric(theirs - moved)

    least = float(difference(np.zeros((1, first.shape[1])))[0]) - ROUNDING
    draw = np.random.default_rng(SEED)
    as_large, done, most = 0, 0, math.ceil(BEYOND / level)
    while done < most and as_large < ENOUGH:
        size = min(max(FIRST, done), MOST_AT_ONCE)
        moved = draw.binomial(counts, 0.5, size=(size, len(counts))) @ kinds
        as_large += int(np.sum(difference(moved) >= least))
        done += size
    return (as_large + 1) / (done + 1)


def _normal(first: Floats, second: Floats, metric: Callable[[Floats], Floats]) -> float:
    """By the jackknife's standard error: rows that weigh unequally make a difference less sure.

    0 where all rows differ alike, so that it says nothing.
    """
    both, width = np.concatenate([first, second], axis=1), first.shape[1]

    def difference(sums: Floats) -> Floats:
        return (metric(sums[:, :width]) - metric(sums[:, width:]))[:, None]

    value = float(difference(both.sum(axis=0, keepdims=True))[0, 0])
    error = math.sqrt(jackknife_variance(*influences(both, difference)))
    return NormalDist().cdf(-value / error) if error > 0 else 0.0
