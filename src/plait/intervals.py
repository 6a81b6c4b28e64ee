"""95 % intervals by the bootstrap over rows (Efron 1979, percentile method)."""

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


@dataclass(frozen=True)
class Estimate:
    """A metric over `n` rows (0–1), and the interval that holds 95 % of its resampled values."""

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


def acceleration(statistics: Floats, metric: Callable[[Floats], Floats]) -> float:
    """How the standard error of a metric grows with the metric: a sixth of the rows' skewness.

    From leaving out one row at a time (Efron 1987, "Better Bootstrap Confidence Intervals").

    Args:
        statistics: shape (n, S), as `resample` takes them.
        metric: sums of shape (B, S) → values of shape (B, 1).
    """
    different, counts = np.unique(statistics, axis=0, return_counts=True)
    without = metric(statistics.sum(axis=0) - different)[:, 0]
    influence = np.average(without, weights=counts) - without
    spread = float(counts @ influence**2)
    return float(counts @ influence**3) / (6 * spread**1.5) if spread > 0 else 0.0


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


def bootstrap(
    statistics: Floats,
    metrics: Callable[[Floats], Floats],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Estimate]:
    """M estimates of metrics that `resample` takes."""
    value, sampled = resample(statistics, metrics, resamples, seed)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(sampled, [tail, 1 - tail], axis=0)
    return [
        Estimate(float(v), (float(a), float(b)), len(statistics))
        for v, a, b in zip(value, low, high, strict=True)
    ]


def share(right: Floats) -> Estimate:
    """The share of rows that are right; `right` has shape (n,) and holds zeros and ones."""
    n = len(right)
    return bootstrap(right[:, None], lambda sums: sums / n)[0]
