"""Several seeds of one candidate: mean ± standard deviation, and what its intervals cover."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from plait.scores.intervals import CONFIDENCE

if TYPE_CHECKING:
    from plait.experiment.schema import Experiment


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


def seed_of(experiment: "Experiment", name: str) -> int:
    """A candidate's own seed, or the experiment's."""
    seed = experiment.candidates[name].seed
    return experiment.seed if seed is None else seed


def family(experiment: "Experiment", name: str) -> str:
    """A key that is equal for candidates that differ in their seed only."""
    one = experiment.candidates[name]
    training = experiment.training_of(name)
    return repr((one.backbone, one.approach, one.method, one.tasks, training, one.options))


def siblings(experiment: "Experiment", name: str) -> dict[int, str]:
    """By seed, a candidate and those that differ from it in their seed alone."""
    own = family(experiment, name)
    alike = [other for other in experiment.candidates if family(experiment, other) == own]
    return {seed_of(experiment, other): other for other in [*alike, name]}
