"""95 % intervals of metrics over rows: Wilson's, at the effective number of rows.

Accuracy rests on all rows alike. Macro-F1 hangs on the rows of rare labels, span F1 on rows with
many spans: how much, the jackknife says. Resamples over rows (Efron 1979, "Bootstrap Methods") are
for two candidates, in `comparison`.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 2000
SEED = 0
CHUNK = 100
# A standard error below this is rounding.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A metric over `n` rows (0–1), and its 95 % interval: that of `estimate` or of `share`."""

    value: float
    ci95: tuple[float, float]
    n: int

    def as_json(self) -> dict[str, Any]:
        """Rounded to 6 places, so that files don't show the noise of floating point."""
        low, high = self.ci95
        return {"value": round(self.value, 6), "ci95": [round(low, 6), round(high, 6)], "n": self.n}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Estimate":
        return cls(value["value"], (value["ci95"][0], value["ci95"][1]), value["n"])


def resampled_counts(kinds: NDArray[np.int64], resamples: int, seed: int) -> Iterator[Floats]:
    """How often rows of each kind were drawn, with rows of one kind indistinguishable.

    Drawing n rows with replacement is drawing from the multinomial distribution of their kinds,
    which takes a number a kind instead of one a row.

    Args:
        kinds: shape (n,), the kind (0 … K - 1) of each row.

    Yields:
        Shape (up to `CHUNK`, K), `resamples` lines in all.
    """
    draw = np.random.default_rng(seed)
    share = np.bincount(kinds) / len(kinds)
    for done in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - done)
        yield draw.multinomial(len(kinds), share, size=size).astype(np.float64)


def resample(
    statistics: Floats,
    metrics: Callable[[Floats], Floats],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[Floats, Floats]:
    """Values of metrics that are functions of sums over rows, as F1 and accuracy are.

    Args:
        statistics: shape (n, S): what each row adds to the S sums, such as its true positives.
        metrics: sums of shape (B, S) → metrics of shape (B, M).

    Returns:
        The metrics over all rows, shape (M,), and over each resample, shape (`resamples`, M).
    """
    # Few rows differ in what they add, so counting them by kind keeps the products small.
    different, kinds = np.unique(statistics, axis=0, return_inverse=True)
    drawn = resampled_counts(kinds, resamples, seed)
    sampled = np.concatenate([metrics(counts @ different) for counts in drawn])
    return metrics(statistics.sum(axis=0, keepdims=True))[0], sampled


def influences(statistics: Floats, metric: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
    """By how much the metric is larger with one row of each kind than without it; about the mean.

    Args:
        statistics: shape (n, S), as `resample` takes them.
        metric: sums of shape (B, S) → values of shape (B, 1).

    Returns:
        The influences of the K kinds of rows, shape (K,), and how many rows are of each kind.
    """
    different, counts = np.unique(statistics, axis=0, return_counts=True)
    if len(statistics) == 1:
        return np.zeros(1), np.ones(1)
    without = metric(statistics.sum(axis=0) - different)[:, 0]
    return np.average(without, weights=counts) - without, counts.astype(np.float64)


def acceleration(influence: Floats, counts: Floats) -> float:
    """How the standard error of a metric grows with the metric: a sixth of the rows' skewness.

    From the `influences` of rows (Efron 1987, "Better Bootstrap Confidence Intervals").
    """
    spread = float(counts @ influence**2)
    return float(counts @ influence**3) / (6 * spread**1.5) if spread > 0 else 0.0


def jackknife_variance(influence: Floats, counts: Floats) -> float:
    """The variance of a metric from the `influences` of rows; 0 where all rows are alike.

    On average it is no smaller than the true one (Efron and Stein 1981, "The Jackknife Estimate of
    Variance"), for labels with one row, too, which the bootstrap's resamples lose or repeat.
    """
    rows = float(counts.sum())
    return (rows - 1) / rows * float(counts @ influence**2)


def bca_level(level: float, value: float, sampled: Floats, skew: float) -> float:
    """The share of resamples below a bound that, corrected for bias and skew, has `level` below it.

    Args:
        value: the metric over all rows.
        sampled: shape (B, 1), the metric over each resample.
        skew: its `acceleration`.
    """
    normal = NormalDist()
    below = float(np.mean(sampled < value) + np.mean(sampled == value) / 2)
    bias = normal.inv_cdf(min(max(below, 1 / len(sampled)), 1 - 1 / len(sampled)))
    shifted = bias + normal.inv_cdf(level)
    return normal.cdf(bias + shifted / (1 - skew * shifted))


def wilson(value: float, rows: float) -> tuple[float, float]:
    """Wilson's 95 % score interval (1927) of a share `value` of `rows`, which may be a fraction.

    It has a width where the value is 0 or 1, too; of no rows it is everything from 0 to 1.
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    centre = value * rows + z**2 / 2
    half = z * math.sqrt(value * (1 - value) * rows + z**2 / 4)
    low, high = (end / (rows + z**2) for end in (centre - half, centre + half))
    # Rounding must not put an end on the wrong side of a value of 0 or 1.
    return max(0.0, min(low, value)), min(1.0, max(high, value))


def share(right: Floats) -> Estimate:
    """The share of rows that are right; `right` has shape (n,) and holds zeros and ones."""
    value = float(np.mean(right))
    return Estimate(value, wilson(value, len(right)), len(right))


@dataclass(frozen=True)
class Rows:
    """How many rows of equal weight a metric rests on: `alike` where no row stands out from the
    others, and else as many as the jackknife says, but never more than `most`.
    """

    alike: float
    most: float = math.inf


def estimate(statistics: Floats, metric: Callable[[Floats], Floats], rows: Rows) -> Estimate:
    """A metric between 0 and 1 that `resample` takes, with an interval of its expected value.

    The expected value is the mean over samples of n rows from where these come. The interval is
    Wilson's at the effective number of rows: that of which a share has the metric's variance (Korn
    and Graubard 1998, "Confidence Intervals for Proportions with Small Expected Number of Positive
    Counts Estimated from Survey Data").

    Args:
        statistics: shape (n, S), as `resample` takes them.
        metric: sums of shape (B, S) → values of shape (B, 1).
    """
    value = float(metric(statistics.sum(axis=0, keepdims=True))[0, 0])
    variance = jackknife_variance(*influences(statistics, metric))
    effective = value * (1 - value) / variance if variance > ROUNDING**2 else rows.alike
    return Estimate(value, wilson(value, min(effective, rows.most)), len(statistics))
