"""95 % intervals by the bootstrap over rows (Efron 1979, percentile method)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
