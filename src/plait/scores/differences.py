"""Two candidates on the same rows: paired bootstrap, McNemar, non-inferiority, Holm.

Rows are drawn in pairs, so what makes a row hard for both candidates falls out of their difference
(Efron and Tibshirani 1993, "An Introduction to the Bootstrap").
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from plait.scores.intervals import (
    CONFIDENCE,
    RESAMPLES,
    SEED,
    Floats,
    acceleration,
    bca_level,
    influences,
    jackknife_variance,
    resample,
)

# Differences below this are rounding: -0.01 must count as the edge of a margin of 0.01.
ROUNDING = 1e-9
# Resamples for the p of a difference that the usual number can't tell from impossible.
FINE = 40_000
# Beyond each end of a one-sided 95 % interval.
ONE_SIDED = 1 - CONFIDENCE
Finding = Literal["non-inferior", "undecided", "inferior"]


@dataclass(frozen=True)
class Difference:
    """First candidate minus second, of a metric (0–1) over the `n` rows that both answered.

    `ci95` is two-sided. `lower` and `upper` are the ends of two one-sided 95 % intervals, corrected
    for bias and skew (BCa), wider by a row since scores move in steps, and never narrower than what
    the rows that the metric rests on can leave unseen (fewer than `n` where labels are rare). `p`
    is two-sided, for no difference. All are at least as careful as the jackknife's standard error:
    resamples lose labels of a few rows, and show too little spread.
    """

    value: float
    ci95: tuple[float, float]
    lower: float
    upper: float
    p: float
    n: int

    def as_json(self) -> dict[str, Any]:
        """Rounded to 6 places, so that files don't show the noise of floating point."""
        return {
            "difference": round(self.value, 6),
            "ci95": [round(end, 6) for end in self.ci95],
            "lower95": round(self.lower, 6),
            "upper95": round(self.upper, 6),
            "p": round(self.p, 6),
            "n": self.n,
        }

    def non_inferior(self, margin: float) -> Finding:
        """Whether the first loses less than `margin` (0–1), one-sided at 95 %.

        `non-inferior` when the whole one-sided interval lies above `-margin`, `inferior` when the
        other one lies below it, `undecided` when the rows can't tell. A candidate is non-inferior
        to itself at every margin.
        """
        same = self.lower == self.upper == 0
        if same or self.lower > ROUNDING - margin:
            return "non-inferior"
        return "inferior" if self.upper < -margin - ROUNDING else "undecided"


def paired_bootstrap(
    first: Floats,
    second: Floats,
    metric: Callable[[Floats], Floats],
    resamples: int = RESAMPLES,
    seed: int = SEED,
    rows: float | None = None,
    fine: int = FINE,
) -> Difference:
    """The difference of a metric that is a function of sums over rows.

    Args:
        first: shape (n, S): what each row adds to the S sums of the first candidate.
        second: the same of the second, in the same order of rows.
        metric: sums of shape (B, S) → values of shape (B,).
        rows: how many of equal weight the metric rests on (`intervals.Rows.alike`); without it, n.
        fine: resamples for p where the usual number can't tell it; `resamples` if p isn't asked.
    """
    both, width = np.concatenate([first, second], axis=1), first.shape[1]

    def difference(sums: Floats) -> Floats:
        return (metric(sums[:, :width]) - metric(sums[:, width:]))[:, None]

    found, sampled = resample(both, difference, resamples, seed)
    value, n = float(found[0]), len(first)
    influence = influences(both, difference)
    skew, error = acceleration(*influence), math.sqrt(jackknife_variance(*influence))
    one_sided = [bca_level(level, value, sampled, skew) for level in (ONE_SIDED, 1 - ONE_SIDED)]
    ends = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2, *one_sided]
    # Weibull's positions, k / (B + 1), are those of an exact test by B resamples: a little wider.
    low, high, lower, upper = map(float, np.quantile(sampled[:, 0], ends, method="weibull"))
    two, one = error * NormalDist().inv_cdf(ends[1]), error * NormalDist().inv_cdf(CONFIDENCE)
    unseen, step = unseen_share(rows or n), 1 / (rows or n)
    p = _two_sided(sampled[:, 0])
    if fine > resamples and p <= 2 / (1 + resamples):
        # The smallest p that B resamples can show is 2 / (B + 1), which a correction over many
        # lines would raise above any level, however large the difference.
        p = _two_sided(resample(both, difference, fine, seed)[1][:, 0])
    return Difference(
        value,
        (min(low, value - two), max(high, value + two)),
        min(min(lower, value - one) - step, value - unseen),
        max(max(upper, value + one) + step, value + unseen),
        max(p, 2 * NormalDist().cdf(-abs(value) / error)) if error > 0 else p,
        n,
    )


def unseen_share(n: float) -> float:
    """The largest share of rows of a kind that `n` rows miss altogether in 5 % of cases: about 3/n.

    Where two candidates agree on every row, resamples agree, too, and would prove anything (Hanley
    and Lippman-Hand 1983, "If nothing goes wrong, is everything all right?").
    """
    return 1 - float((1 - CONFIDENCE) ** (1 / n))


def itself(n: int) -> Difference:
    """A candidate and itself on `n` rows."""
    return Difference(0.0, (0.0, 0.0), 0.0, 0.0, 1.0, n)


def _two_sided(sampled: Floats) -> float:
    """Twice the smaller share of resamples on one side of 0; never 0 (Davison and Hinkley 1997)."""
    below = (1 + np.sum(sampled <= 0)) / (1 + len(sampled))
    above = (1 + np.sum(sampled >= 0)) / (1 + len(sampled))
    return float(min(1.0, 2 * min(below, above)))


@dataclass(frozen=True)
class McNemar:
    """Rows that only one of two candidates has right, and the exact two-sided p (McNemar 1947)."""

    only_first: int
    only_second: int
    p: float


def mcnemar(first: Floats, second: Floats) -> McNemar:
    """The exact test on the rows where just one of two candidates is right.

    Args:
        first: shape (n,), ones where the first candidate is right.
        second: the same of the second, in the same order.
    """
    from scipy.stats import binomtest

    only_first = int(np.sum((first > 0) & (second == 0)))
    only_second = int(np.sum((first == 0) & (second > 0)))
    different = only_first + only_second
    p = float(binomtest(only_first, different).pvalue) if different else 1.0
    return McNemar(only_first, only_second, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """p values corrected for how many there are (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - rank)))
        corrected[index] = largest
    return corrected
