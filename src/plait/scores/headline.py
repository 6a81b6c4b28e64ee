"""A task's headline metric alone, without an interval: dev rows choose the best weights by it.

Apart from the other scores: a training must not run again because an interval is computed anew.
"""

from collections import Counter
from collections.abc import Sequence
from operator import eq
from typing import Any, cast

from plait.tasks import Label, Prediction, Span, Task

Spans = frozenset[tuple[int, int, str]]


def headline(task: Task, gold: Sequence[Label], answers: Sequence[Prediction]) -> float:
    """The metric of the rows that have a label."""
    pairs = [(g, a) for g, a in zip(gold, answers, strict=True) if g is not None]
    if task.metric == "span_f1":
        spans = [(spans_as_set(g), spans_as_set(a)) for g, a in cast("Any", pairs)]
        right = sum(len(g & a) for g, a in spans)
        return 2 * right / max(1, sum(len(g) + len(a) for g, a in spans))
    if task.kind == "multilabel":
        sets = [(frozenset(g), frozenset(a.labels)) for g, a in cast("Any", pairs)]
        return _of_sets(task.metric, sets)
    labels, choices = zip(*[(g, a.label) for g, a in cast("Any", pairs)], strict=True)
    if task.metric == "macro_f1":
        from sklearn.metrics import f1_score

        return float(f1_score(labels, choices, average="macro", zero_division=0))
    return float(sum(map(eq, labels, choices)) / len(labels))


def _of_sets(metric: str, pairs: Sequence[tuple[frozenset[str], frozenset[str]]]) -> float:
    if metric == "exact_match":
        return sum(g == a for g, a in pairs) / len(pairs)
    by_label = metric == "macro_f1"
    right = Counter(label if by_label else "" for g, a in pairs for label in g & a)
    named = Counter(label if by_label else "" for pair in pairs for s in pair for label in s)
    return sum(2 * right[label] / named[label] for label in named) / max(1, len(named))


def spans_as_set(spans: Sequence[Span]) -> Spans:
    """What strict scoring compares: start, end and type of each span."""
    return frozenset((span.start, span.end, span.label) for span in spans)
