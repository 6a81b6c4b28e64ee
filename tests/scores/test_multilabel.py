"""Scores of several labels a row, by hand and against scikit-learn; comparisons, headline."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    multilabel_confusion_matrix,
    precision_recall_fscore_support,
)
from sklearn.preprocessing import MultiLabelBinarizer

from plait.scores.calibration import calibration
from plait.scores.headline import headline
from plait.scores.row_results import compare, compare_rows, mean_over, row_results
from plait.scores.scoring import multilabel, score
from plait.scores.slices import slices
from plait.tasks import METRICS, Row, SetPrediction, Task

LABELS = ("a", "b", "c", "d")
Sets = st.lists(st.sampled_from(LABELS), unique=True).map(lambda found: tuple(sorted(found)))


def task(metric: str = "micro_f1") -> Task:
    return Task("topics", "posts", "multilabel", "topics", LABELS, metric)


def answers(*sets: tuple[str, ...]) -> list[SetPrediction]:
    return [SetPrediction(names, dict.fromkeys(names, 0.8)) for names in sets]


def test_by_hand() -> None:
    gold = [("a", "b"), ("a",), (), None, ("c",)]
    scores = multilabel(gold, [("a",), ("a", "b"), (), ("a",), ()])
    assert scores.correct == (False, False, True, None, False)
    # 2 right of 4 gold and 3 answered
    assert scores.metrics["micro_f1"].value == pytest.approx(2 * 2 / (4 + 3))
    # a 1, b 0 (each once, never together), c 0
    assert scores.metrics["macro_f1"].value == pytest.approx(1 / 3)
    assert scores.metrics["exact_match"].value == 1 / 4
    assert {metric.n for metric in scores.metrics.values()} == {4}
    assert scores.cardinality == {"gold": 1.0, "answers": 0.75}
    assert scores.classes[1] == {
        "label": "b", "precision": 0, "recall": 0, "f1": 0, "support": 1, "predicted": 1,
        "counts": [[2, 1], [1, 0]],
    }  # fmt: skip
    assert scores.as_json()["cardinality"] == {"gold": 1.0, "answers": 0.75}
    assert scores.as_json()["confusion"] == {"labels": [], "counts": []}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(Sets, Sets), min_size=1))
def test_scores_equal_scikit_learn(pairs: list[tuple[tuple[str, ...], tuple[str, ...]]]) -> None:
    gold, found = zip(*pairs, strict=True)
    scores = multilabel(gold, found)
    there = sorted({label for pair in pairs for names in pair for label in names})
    columns = [LABELS.index(label) for label in there]
    binary = MultiLabelBinarizer(classes=LABELS).fit([])
    truth, guess = binary.transform(gold), binary.transform(found)
    for metric, average in [("micro_f1", "micro"), ("macro_f1", "macro")] if there else ():
        theirs = f1_score(truth, guess, labels=columns, average=average, zero_division=0)
        assert scores.metrics[metric].value == pytest.approx(theirs)
    assert scores.metrics["exact_match"].value == pytest.approx(accuracy_score(truth, guess))
    if there:
        table = np.array(precision_recall_fscore_support(truth, guess, zero_division=0))
        ours = [
            [line[key] for line in scores.classes]
            for key in ("precision", "recall", "f1", "support")
        ]
        assert np.array(ours) == pytest.approx(table[:, columns], abs=1e-6)
        counts = [line["counts"] for line in scores.classes]
        assert np.array_equal(counts, multilabel_confusion_matrix(truth, guess)[columns])
    for metric in METRICS["multilabel"]:
        alone = headline(task(metric), list(gold), answers(*found))
        assert alone == pytest.approx(scores.metrics[metric].value)
    for estimate in scores.metrics.values():
        assert 0 <= estimate.ci95[0] <= estimate.value <= estimate.ci95[1] <= 1


def test_rows_without_any_label_leave_f1_unknown_and_exact_match_right() -> None:
    scores = multilabel([(), ()], [(), ()])
    assert scores.metrics["micro_f1"].value == scores.metrics["macro_f1"].value == 0
    assert scores.metrics["micro_f1"].ci95 == scores.metrics["macro_f1"].ci95 == (0, 1)
    assert scores.metrics["exact_match"].value == 1
    assert scores.classes == ()


def test_labels_of_the_same_rows_are_no_further_rows() -> None:
    """Three labels that always come together say as little of macro-F1 as one of them."""
    one = multilabel([("a",)] * 40, [("a",)] * 40).metrics["macro_f1"]
    three = multilabel([("a", "b", "c")] * 40, [("a", "b", "c")] * 40).metrics["macro_f1"]
    assert three.ci95 == one.ci95


def test_score_leaves_out_rows_that_are_not_labelled() -> None:
    found = score(task(), [("a",), None, ()], answers(("a",), ("b",), ()))
    assert found.correct == (True, None, True)
    assert found.metrics["micro_f1"].value == 1


def lines(*pairs: tuple[Any, Any]) -> list[dict[str, Any]]:
    return [
        {"id": str(i), "gold": {"topics": gold}, "answers": {"topics": answer}}
        for i, (gold, answer) in enumerate(pairs)
    ]


def drawn(seed: int) -> list[tuple[list[str], list[str]]]:
    """Gold labels that are the same for every seed, and answers that are mostly right."""
    draw, noise = np.random.default_rng(0), np.random.default_rng(seed)
    gold = draw.random((120, 4)) < [0.6, 0.4, 0.2, 0.1]
    found = gold ^ (noise.random((120, 4)) < 0.1)
    names = np.array(LABELS)
    return [(list(names[g]), list(names[f])) for g, f in zip(gold, found, strict=True)]


def _tuples(pair: tuple[list[str], list[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(pair[0]), tuple(pair[1])


@pytest.mark.parametrize("metric", METRICS["multilabel"])
def test_comparisons_and_means_agree_with_the_scores(metric: str) -> None:
    one, other = (row_results(lines(*drawn(seed)), "topics") for seed in (1, 2))
    values = [
        multilabel(*zip(*map(_tuples, drawn(seed)), strict=True)).metrics[metric] for seed in (1, 2)
    ]
    found = compare(one, other, metric)
    assert found.value == pytest.approx(values[0].value - values[1].value)
    assert found.ci95[0] <= found.value <= found.ci95[1]
    mean = mean_over([one], metric)
    assert (mean.value, *mean.ci95) == pytest.approx((values[0].value, *values[0].ci95))
    right = [sum(g == f for g, f in drawn(seed)) for seed in (1, 2)]
    mcnemar = compare_rows(one, other)
    assert mcnemar.only_first - mcnemar.only_second == right[0] - right[1]


def test_order_and_missing_labels_do_not_matter() -> None:
    found = row_results(lines((["a", "b"], ["b", "a"]), ([], []), (None, ["a"])), "topics")
    assert list(found) == ["0", "1"]
    assert all(pair.gold == pair.answer for pair in found.values())
    assert compare_rows(found, row_results(lines((["ab"], ["a", "b"])), "topics")).only_first == 1


def test_slices_go_by_the_rarest_label() -> None:
    rows = [Row(str(i), "t", {"topics": g}) for i, g in enumerate([("a", "b"), ("a",), (), None])]
    found = slices(task(), rows, {"a": 200, "b": 3}, None, frozenset({"topics"}))
    by_support = {each.name: each.rows for each in found if "training" in each.by}
    assert by_support == {"1–9": (0,), "100+": (1,), "no labels": (2,)}


def test_every_answered_label_counts_for_calibration() -> None:
    found = calibration([("a",), None, ()], answers(("a", "b"), ("a",), ()))
    assert found is not None
    assert found.n == 2
    assert found.ece == pytest.approx(0.3)
