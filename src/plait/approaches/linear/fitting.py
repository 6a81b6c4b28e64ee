"""Fit the separators of approach `linear` with scikit-learn, and probabilities on dev rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.sparse import csr_matrix
from scipy.special import log_softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from plait.approaches.labelling import HALF, thresholds
from plait.approaches.linear.separator import Array, Features, OneVsRest, Separator

LOWEST = -10.0
"""The score of what no training row has."""


def fit(features: Features, targets: Sequence[Any], n: int, seed: int) -> Separator:
    """A separator of `n` classes.

    Args:
        targets: the class of each row.
    """
    inputs, vocabulary, idf = _weighted(features)
    machine = LinearSVC(random_state=seed).fit(inputs, targets)
    coefficients, intercept = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:
        coefficients = np.concatenate([-coefficients, coefficients])
        intercept = np.concatenate([-intercept, intercept])
    # Classes without a training row get the lowest score there is, so that n stays closed.
    full, bias = _empty(n, inputs)
    full[machine.classes_], bias[machine.classes_] = coefficients, intercept
    weights = {"coefficients": full, "intercept": bias, "temperature": np.ones(1, np.float32)}
    return Separator(vocabulary, {"idf": idf, **weights})


def fit_several(features: Features, targets: Sequence[Any], n: int, seed: int) -> OneVsRest:
    """A separator for each of `n` labels.

    Args:
        targets: for each row a mark for each label.
    """
    inputs, vocabulary, idf = _weighted(features)
    full, bias = _empty(n, inputs)
    for label, column in enumerate(np.array(targets).T):
        if column.all():
            bias[label] = -LOWEST
        elif column.any():
            machine = LinearSVC(random_state=seed).fit(inputs, column)
            full[label], bias[label] = machine.coef_[0], machine.intercept_[0]
    weights = {"coefficients": full, "intercept": bias, "temperature": np.ones(1, np.float32)}
    own = {"offset": np.zeros(1, np.float32), "thresholds": np.full(n, HALF, np.float32)}
    return OneVsRest(vocabulary, {"idf": idf, **weights, **own})


def _weighted(features: Features) -> tuple[csr_matrix, dict[str, int], Array]:
    """TF-IDF of the features (rows × features), the place of each, and their weights."""
    vectorizer = TfidfVectorizer(analyzer=_identity, sublinear_tf=True, dtype=np.float32)
    inputs = vectorizer.fit_transform(features)
    vocabulary = {str(name): int(place) for name, place in vectorizer.vocabulary_.items()}
    return inputs, vocabulary, vectorizer.idf_.astype(np.float32)


def _identity(features: list[str]) -> list[str]:
    return features


def _empty(n: int, inputs: csr_matrix) -> tuple[Array, Array]:
    """Coefficients (classes × features) and intercepts (classes) of what no row has."""
    return np.zeros((n, inputs.shape[1]), np.float32), np.full(n, LOWEST, np.float32)


def calibrate(separator: Separator, features: Features, targets: Sequence[Any]) -> None:
    """Fit the temperature on rows that were not trained on (least negative log likelihood)."""
    if not targets:
        return
    scores, rows = separator.scores(features), np.arange(len(targets))

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(scores / np.exp(log_temperature), axis=1)
        return -float(scaled[rows, targets].mean())

    best = minimize_scalar(loss, bounds=(-4, 4), method="bounded")
    separator.weights["temperature"] = np.array([np.exp(best.x)], np.float32)


def calibrate_several(separator: OneVsRest, features: Features, targets: Sequence[Any]) -> None:
    """Fit slope and offset (least negative log likelihood), then the thresholds.

    All labels share a slope and an offset (Platt 1999, "Probabilistic Outputs for Support Vector
    Machines").
    """
    learned = separator.weights["coefficients"].any(axis=1)
    if not targets or not learned.any():
        return
    gold = np.array(targets)
    scores, truth = separator.scores(features)[:, learned], gold[:, learned]

    def loss(slope_and_offset: Array) -> float:
        scaled = scores * np.exp(slope_and_offset[0]) + slope_and_offset[1]
        return float((np.logaddexp(0, scaled) - truth * scaled).mean())

    found = minimize(loss, np.zeros(2), bounds=[(-4, 4), (-8, 8)]).x
    separator.weights["temperature"] = np.array([np.exp(-found[0])], np.float32)
    separator.weights["offset"] = np.array([found[1]], np.float32)
    separator.weights["thresholds"] = thresholds(separator.probabilities(features), gold)
