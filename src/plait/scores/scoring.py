"""Predictions and gold labels → scores with intervals, tables by class, and which rows are right.

Rows without a label for a task don't count for it: they are left out of `n`. scikit-learn is
imported where it is called: it takes seconds.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from plait.errors import PlaitError
from plait.scores.headline import Spans, spans_as_set
from plait.scores.intervals import Estimate, Floats, Rows, estimate, share
from plait.tasks import Label, LabelPrediction, Prediction, SetPrediction, Span, Task

Names = tuple[str, ...]


@dataclass(frozen=True)
class Scores:
    """What one task's answers are worth.

    `correct` has one entry a row, None where the row has no label. `classes` has one line a class
    or span type: label, precision, recall, f1, support (gold), predicted. `labels` and `confusion`
    (rows gold, columns predicted) are empty unless a row has just one label. Where it may have
    several, `classes` also counts rows by label, `[[neither, answer only], [gold only, both]]`,
    and `cardinality` is the mean number of labels of a row, of gold and of answers.
    """

    metrics: Mapping[str, Estimate]
    classes: tuple[Mapping[str, Any], ...]
    correct: tuple[bool | None, ...]
    labels: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    cardinality: Mapping[str, float] | None = None

    def as_json(self) -> dict[str, Any]:
        """All but `correct`, which is written row by row beside the answers."""
        several = {} if self.cardinality is None else {"cardinality": dict(self.cardinality)}
        return {
            "n": sum(value is not None for value in self.correct),
            "metrics": {name: value.as_json() for name, value in self.metrics.items()},
            "classes": [dict(line) for line in self.classes],
            "confusion": {"labels": list(self.labels), "counts": [list(c) for c in self.confusion]},
            **several,
        }


def score(task: Task, gold: Sequence[Label], answers: Sequence[Prediction]) -> Scores:
    """Score the answers to one task, in the order of the rows.

    Raises:
        PlaitError: no row has a label for the task.
    """
    if all(label is None for label in gold):
        raise PlaitError(
            f"dataset {task.dataset!r}: none of {len(gold)} held-out rows has a label in field "
            f"{task.field!r}, so task {task.name!r} can't be scored; check the field in params.yaml"
        )
    if task.kind == "classification":
        choices = cast("Sequence[LabelPrediction]", answers)
        return classification(cast("Sequence[str | None]", gold), [c.label for c in choices])
    if task.kind == "multilabel":
        sets = cast("Sequence[SetPrediction]", answers)
        return multilabel(cast("Sequence[Names | None]", gold), [s.labels for s in sets])
    return tagging(
        cast("Sequence[Sequence[Span] | None]", gold), cast("Sequence[Sequence[Span]]", answers)
    )


def classification(gold: Sequence[str | None], predicted: Sequence[str]) -> Scores:
    """Accuracy and macro-F1.

    Macro-F1 is the unweighted mean of F1 over the labels that occur in the gold labels or in the
    predictions (scikit-learn's default): a label that is predicted but never right counts as 0, one
    that the held-out rows don't have and nobody predicts doesn't count. Its interval covers what as
    many rows show on average. Over all rows that there could be, macro-F1 is another where labels
    are rare: a sample has some of them not at all, or once.
    """
    pairs = [(g, p) for g, p in zip(gold, predicted, strict=True) if g is not None]
    labels = sorted({label for pair in pairs for label in pair})
    number = {label: index for index, label in enumerate(labels)}
    truth, guess = np.array([(number[g], number[p]) for g, p in pairs]).T
    counts = one_hot_counts(truth, guess, len(labels))
    return Scores(
        metrics={
            "accuracy": share((truth == guess).astype(np.float64)),
            "macro_f1": estimate(counts, macro_f1, rows_of_macro_f1(counts)),
        },
        classes=_class_table(labels, truth, guess),
        correct=tuple(None if g is None else g == p for g, p in zip(gold, predicted, strict=True)),
        labels=tuple(labels),
        confusion=_confusion(truth, guess, len(labels)),
    )


def one_hot_counts(truth: Any, guess: Any, classes: int) -> Floats:
    """Shape (n, 3 × classes): true positives, gold and predicted, by class."""
    eye = np.eye(classes)
    return label_counts(eye[truth], eye[guess])


def label_counts(gold: Floats, predicted: Floats) -> Floats:
    """Shape (n, 3 × classes), as `one_hot_counts`, of ones where a label is one of the row's."""
    return np.concatenate([gold * predicted, gold, predicted], axis=1)


def macro_f1(sums: Floats) -> Floats:
    """Sums of `one_hot_counts`, shape (B, 3 × classes) → macro-F1, shape (B, 1)."""
    true_positives, gold, predicted = np.split(sums, 3, axis=1)
    occurs = gold + predicted > 0
    f1 = 2 * true_positives / np.where(occurs, gold + predicted, 1)
    found: Floats = f1.sum(axis=1, keepdims=True) / occurs.sum(axis=1, keepdims=True).clip(min=1)
    return found


def rows_of_macro_f1(counts: Floats) -> Rows:
    """What a mean over the labels of the gold rows rests on, as a share of rows of equal weight.

    With as many rows of each label that is all rows; with labels of one row it is few (Kish 1965,
    "Survey Sampling"). Where hardly a row is wrong, no more is known than this. Rows that count for
    several labels are still no more rows than there are.
    """
    gold = np.split(counts.sum(axis=0), 3)[1]
    present = gold[gold > 0]
    if not len(present):
        return Rows(0, most=0)
    effective = len(present) ** 2 / float(np.sum(1 / present))
    if present.sum() > len(counts):
        effective = min(effective, float(len(counts)))
    return Rows(effective, most=effective)


def _class_table(labels: Sequence[str], truth: Any, guess: Any) -> tuple[dict[str, Any], ...]:
    from sklearn.metrics import precision_recall_fscore_support

    table = precision_recall_fscore_support(
        truth, guess, labels=range(len(labels)), zero_division=0
    )
    predicted = np.bincount(guess, minlength=len(labels))
    return tuple(
        _line(label, p, r, f, support, found)
        for label, p, r, f, support, found in zip(labels, *table, predicted, strict=True)
    )


def _line(
    label: str, precision: float, recall: float, f1: float, support: int, predicted: int
) -> dict[str, Any]:
    return {
        "label": label,
        "precision": round(float(precision), 6),
        "recall": round(float(recall), 6),
        "f1": round(float(f1), 6),
        "support": int(support),
        "predicted": int(predicted),
    }


def _confusion(truth: Any, guess: Any, classes: int) -> tuple[tuple[int, ...], ...]:
    counts = np.bincount(truth * classes + guess, minlength=classes**2)
    return tuple(map(tuple, counts.reshape(classes, classes).tolist()))


def multilabel(gold: Sequence[Names | None], predicted: Sequence[Names]) -> Scores:
    """Micro-F1 over all labels of all rows, macro-F1 over labels, and exact match of the sets.

    Micro-F1 is 2·TP / (gold + predicted), and 0 where there is neither a gold nor a predicted
    label. Macro-F1 is that of `classification`. Exact match (subset accuracy) counts a row as right
    if all its labels are, and no other is answered.
    """
    pairs = [(g, p) for g, p in zip(gold, predicted, strict=True) if g is not None]
    labels = sorted({label for pair in pairs for names in pair for label in names})
    truth, guess = (indicators(names, labels) for names in zip(*pairs, strict=True))
    counts = label_counts(truth, guess)
    sizes = np.stack([part.sum(axis=1) for part in np.split(counts, 3, axis=1)], axis=1)
    right = np.array([set(g) == set(p) for g, p in pairs], dtype=np.float64)
    return Scores(
        metrics={
            "micro_f1": estimate(sizes, micro_f1, rows_of_spans(sizes)),
            "macro_f1": estimate(counts, macro_f1, rows_of_macro_f1(counts)),
            "exact_match": share(right),
        },
        classes=tuple(_set_table(labels, truth, guess)),
        correct=tuple(
            None if g is None else set(g) == set(p) for g, p in zip(gold, predicted, strict=True)
        ),
        cardinality={
            "gold": round(float(truth.sum(axis=1).mean()), 6),
            "answers": round(float(guess.sum(axis=1).mean()), 6),
        },
    )


def indicators(rows: Sequence[Collection[str]], labels: Sequence[str]) -> Floats:
    """Ones where a row has the label, shape (n, labels); one column of zeros without labels."""
    number = {label: index for index, label in enumerate(labels)}
    found = np.zeros((len(rows), max(1, len(labels))))
    places = [(row, number[label]) for row, names in enumerate(rows) for label in names]
    if places:
        found[tuple(np.array(places).T)] = 1
    return found


def _set_table(labels: Sequence[str], truth: Floats, guess: Floats) -> Iterator[dict[str, Any]]:
    for label, gold, found in zip(labels, truth.T, guess.T, strict=False):
        both, support, predicted = (int(part.sum()) for part in (gold * found, gold, found))
        f1 = 2 * both / (support + predicted)
        precision, recall = both / max(predicted, 1), both / max(support, 1)
        line = _line(label, precision, recall, f1, support, predicted)
        neither = len(gold) - support - predicted + both
        yield {**line, "counts": [[neither, predicted - both], [support - both, both]]}


def tagging(gold: Sequence[Sequence[Span] | None], predicted: Sequence[Sequence[Span]]) -> Scores:
    """Strict span micro-F1: a span is right when start, end and type are.

    Spans are compared as a set per row. F1 is 2·TP / (gold + predicted), and 0 where there is
    neither a gold nor a predicted span (as seqeval has it).
    """
    truth = [None if spans is None else spans_as_set(spans) for spans in gold]
    guess = [spans_as_set(spans) for spans in predicted]
    pairs = [(t, g) for t, g in zip(truth, guess, strict=True) if t is not None]
    sizes = np.array([(len(t & g), len(t), len(g)) for t, g in pairs], dtype=np.float64)
    return Scores(
        metrics={"span_f1": estimate(sizes, micro_f1, rows_of_spans(sizes))},
        classes=tuple(_span_table(pairs)),
        correct=tuple(None if t is None else t == g for t, g in zip(truth, guess, strict=True)),
    )


def micro_f1(sums: Floats) -> Floats:
    """True positives, gold and predicted spans or labels, shape (B, 3) → F1, shape (B, 1)."""
    true_positives, gold, predicted = sums.T
    f1: Floats = 2 * true_positives / np.maximum(gold + predicted, 1)
    return f1[:, None]


def rows_of_spans(sizes: Floats) -> Rows:
    """Rows with a gold or a predicted span (or label): the others say nothing of spans.

    Args:
        sizes: shape (n, S), counts of spans (labels) by row.
    """
    return Rows(float(sizes.any(axis=1).sum()))


def _span_table(pairs: Sequence[tuple[Spans, Spans]]) -> Iterator[dict[str, Any]]:
    right = Counter(span[2] for gold, found in pairs for span in gold & found)
    support = Counter(span[2] for gold, _ in pairs for span in gold)
    predicted = Counter(span[2] for _, found in pairs for span in found)
    for label in sorted(support | predicted):
        hits, gold, found = right[label], support[label], predicted[label]
        f1 = 2 * hits / (gold + found)
        yield _line(label, hits / max(found, 1), hits / max(gold, 1), f1, gold, found)


def exact_match(correct: Sequence[Sequence[bool | None]]) -> Estimate | None:
    """The share of rows where every task is right.

    Args:
        correct: for each task its `Scores.correct`, over the same rows.

    Returns:
        None where no row has a label for every task; rows that lack one are left out of `n`.
    """
    rows = [row for row in zip(*correct, strict=True) if None not in row]
    return share(np.array([all(row) for row in rows], dtype=np.float64)) if rows else None
