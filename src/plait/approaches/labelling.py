"""Labels of which several may apply to a text, or none: targets, thresholds and answers.

A label applies where its probability reaches its threshold, which dev rows choose: 0.5 is right
only for probabilities that are calibrated and a metric that counts rows, not for F1 (Lipton et al.
2014, "Thresholding Classifiers to Maximize F1 Score", arXiv 1402.1892).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from plait.tasks import Label, SetPrediction, Task, label_names

Array = NDArray[np.floating[Any]]
Marks = NDArray[np.bool_]
HALF = 0.5
OWN = 10
"""Dev rows with a label from which it has a threshold of its own; fewer would fit their noise."""


def marks(task: Task, label: Label) -> tuple[bool, ...]:
    """For each of the task's labels whether a labelled row has it."""
    names = frozenset(label_names(label))
    return tuple(label in names for label in task.labels)


def thresholds(probabilities: Array, gold: Marks) -> NDArray[np.float32]:
    """By label the least probability with which it applies, chosen on dev rows.

    One for all labels maximises micro-F1; a label that `OWN` rows or more have gets the one that
    maximises its F1. Without a gold label it is 0.5.

    Args:
        probabilities: shape (rows, labels).
        gold: shape (rows, labels).
    """
    common = _best(probabilities.ravel(), gold.ravel())
    return np.array(
        [
            _best(column, truth) if truth.sum() >= OWN else common
            for column, truth in zip(probabilities.T, gold.T, strict=True)
        ],
        np.float32,
    )


def _best(probabilities: Array, gold: Marks) -> float:
    """Halfway between the neighbours that it separates with the largest F1; the highest of such."""
    if not gold.any():
        return HALF
    order = np.argsort(-probabilities, kind="stable")
    values = probabilities[order].astype(np.float64)
    f1 = 2 * np.cumsum(gold[order]) / (np.arange(1, len(gold) + 1) + gold.sum())
    below = np.append(values[1:], -1.0)
    # Between equal probabilities no threshold fits.
    f1[values == below] = -1
    at = int(f1.argmax())
    return float((values[at] + max(below[at], 0.0)) / 2)


def applying(task: Task, probabilities: Array, least: Array) -> SetPrediction:
    """The answer that probabilities and thresholds, shape (labels,) each, stand for."""
    names = tuple(np.array(task.labels, dtype=object)[probabilities >= least])
    return SetPrediction(names, dict(zip(task.labels, probabilities.tolist(), strict=True)))
