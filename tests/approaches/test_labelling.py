"""Thresholds of labels: by hand, against a search over all of them, and where rows are few."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.approaches.labelling import OWN, applying, marks, thresholds
from plait.tasks import SetPrediction, Task

TASK = Task("topics", "posts", "multilabel", "topics", ("a", "b", "c"), "micro_f1")
Scored = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=40)


def column(scored: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities in steps of 0.05, as one label's column, and its marks."""
    values, gold = zip(*scored, strict=True)
    return np.array(values, np.float32)[:, None] / 20, np.array(gold)[:, None]


def f1(gold: np.ndarray, found: np.ndarray) -> float:
    return 2 * (gold & found).sum() / (gold.sum() + found.sum())


@settings(deadline=None, max_examples=200)
@given(Scored)
def test_no_other_threshold_has_a_larger_f1(scored: list[tuple[int, bool]]) -> None:
    probabilities, gold = column(scored)
    (found,) = thresholds(probabilities, gold)
    if not gold.any():
        assert found == 0.5
        return
    assert f1(gold, probabilities >= found) == pytest.approx(
        max(f1(gold, probabilities >= least) for least in np.arange(-1, 44) / 40 + 1e-3)
    )


def test_a_frequent_label_has_its_own_threshold_and_rare_ones_share_theirs() -> None:
    often = np.arange(40) % 2 == 0
    rare = np.arange(40) < OWN - 1
    probabilities = np.stack([0.1 + 0.1 * often, 0.2 + 0.7 * rare, 0.2 + 0.4 * rare], axis=1)
    gold = np.stack([often, rare, rare], axis=1)
    found = thresholds(probabilities, gold)
    assert found[0] == pytest.approx(0.15)
    assert found[1] == found[2]
    assert 0.2 < found[1] < 0.6


def test_marks_and_answers_are_in_the_order_of_the_labels() -> None:
    assert marks(TASK, ("a", "c")) == (True, False, True)
    assert marks(TASK, ("other",)) == marks(TASK, ()) == (False, False, False)
    found = applying(TASK, np.array([0.5, 0.1, 0.9]), np.array([0.5, 0.2, 0.3]))
    assert found == SetPrediction(("a", "c"), {"a": 0.5, "b": 0.1, "c": 0.9})
