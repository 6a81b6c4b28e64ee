"""Calibration: whether answers given with probability p are right p of the time.

Expected calibration error over bins of equal width (Guo et al. 2017, "On Calibration of Modern
Neural Networks").
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plait.scores.intervals import Floats
from plait.tasks import Label, LabelPrediction, Prediction, SetPrediction

BINS = 15


@dataclass(frozen=True)
class Bin:
    """Answers whose probability is above `low` and at most `high`."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """`ece` (0–1) over `n` answers: |accuracy - confidence| of each bin, weighted by its size.

    Empty bins are left out.
    """

    ece: float
    n: int
    bins: tuple[Bin, ...]

    def as_json(self) -> dict[str, Any]:
        """Rounded to 6 places, so that files don't show the noise of floating point."""
        bins = [{k: round(v, 6) for k, v in found.__dict__.items()} for found in self.bins]
        return {"ece": round(self.ece, 6), "n": self.n, "bins": bins}


def calibration(gold: Sequence[Label], answers: Sequence[Prediction]) -> Calibration | None:
    """Of labels, or of the spans that were answered; None where nothing was answered.

    Of several labels each that was answered counts.
    """
    found = np.array([*_judged(gold, answers)], dtype=np.float64)
    return measure(found[:, 0], found[:, 1]) if len(found) else None


def _judged(gold: Sequence[Label], answers: Sequence[Prediction]) -> Iterator[tuple[float, bool]]:
    """Probability of each label or span that was answered, and whether it is right."""
    for truth, answer in zip(gold, answers, strict=True):
        if truth is None:
            continue
        if isinstance(answer, LabelPrediction):
            yield answer.probabilities[answer.label], answer.label == truth
        elif isinstance(answer, SetPrediction):
            yield from ((answer.probabilities[label], label in truth) for label in answer.labels)
        else:
            yield from ((span.probability, span in truth) for span in answer)


def measure(probabilities: Floats, right: Floats, bins: int = BINS) -> Calibration:
    """ECE of probabilities (0–1) of shape (n,), and ones where the answer was right."""
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.ceil(probabilities * bins).astype(int) - 1, 0, bins - 1)
    found = [
        Bin(
            float(edges[index]),
            float(edges[index + 1]),
            int(inside.sum()),
            float(probabilities[inside].mean()),
            float(right[inside].mean()),
        )
        for index in range(bins)
        if (inside := place == index).any()
    ]
    n = len(probabilities)
    return Calibration(
        sum(b.n * abs(b.accuracy - b.confidence) for b in found) / n, n, tuple(found)
    )
