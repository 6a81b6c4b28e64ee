"""Several seeds of one candidate: mean ± standard deviation, and what its intervals cover."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plait.intervals import CONFIDENCE


@dataclass(frozen=True)
class OverSeeds:
    """A figure over `seeds` trainings that differ in their seed alone.

    `ci95` is Student's interval of the mean: it covers the choice of seed on these held-out rows,
    not the choice of rows. None where there is a single seed.
    """

    mean: float
    sd: float | None
    ci95: tuple[float, float] | None
    seeds: int


def over_seeds(values: Sequence[float]) -> OverSeeds:
    """Mean, standard deviation (n - 1) and Student's interval of one value a seed."""
    from scipy.stats import t

    mean, count = float(np.mean(values)), len(values)
    if count < 2:
        return OverSeeds(mean, None, None, count)
    sd = float(np.std(values, ddof=1))
    half = float(t.ppf((1 + CONFIDENCE) / 2, count - 1)) * sd / math.sqrt(count)
    return OverSeeds(mean, sd, (mean - half, mean + half), count)
