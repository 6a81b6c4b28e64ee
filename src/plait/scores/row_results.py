"""A candidate's predictions beside the gold labels, row by row: comparisons are made on these."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from plait.scores.differences import Difference, McNemar, itself, mcnemar, paired_bootstrap
from plait.scores.intervals import Estimate, Floats, Rows, estimate
from plait.scores.scoring import macro_f1, micro_f1, one_hot_counts, rows_of_macro_f1, rows_of_spans

Json = Mapping[str, Any]
Metric = Callable[[Floats], Floats]
"""Sums over rows, shape (B, S) → values, shape (B,)."""


@dataclass(frozen=True)
class Pair:
    """Gold label and answer of a row: a label each, or a set of (start, end, type) each."""

    gold: Any
    answer: Any


RowResults = Mapping[str, Pair]
"""By row id; rows without a gold label are not in it."""


def row_results(lines: Iterable[Json], task: str) -> RowResults:
    """One task's results from the lines of `predictions/CANDIDATE/DATASET.jsonl`."""
    return {
        line["id"]: Pair(_plain(line["gold"][task]), _plain(line["answers"][task]))
        for line in lines
        if line["gold"][task] is not None
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else frozenset(map(tuple, value))


def compare(first: RowResults, second: RowResults, metric: str) -> Difference:
    """First minus second on the rows that both have, by paired bootstrap.

    Args:
        metric: `accuracy`, `macro_f1` or `span_f1`.
    """
    if first is second:
        return itself(len(first))
    return compare_means([first], [second], metric)


def compare_means(
    first: Sequence[RowResults], second: Sequence[RowResults], metric: str
) -> Difference:
    """Mean of the first minus mean of the second, as many, on the rows that all have.

    With a training a seed, the interval covers the choice of rows, not of seeds.
    """
    parts, value = statistics([*first, *second], shared(*first, *second), metric)
    one, other = (
        np.concatenate(half, axis=1) for half in (parts[: len(first)], parts[len(first) :])
    )
    rows = _rows(metric, parts[0], np.concatenate(parts, axis=1)).alike
    return paired_bootstrap(one, other, partial(_mean, value, len(first)), rows=rows)


def compare_rows(first: RowResults, second: RowResults) -> McNemar:
    """McNemar's test on which rows are right (all spans, for tagging)."""
    rows = shared(first, second)
    return mcnemar(_right(first, rows), _right(second, rows))


def mean_over(found: Sequence[RowResults], metric: str) -> Estimate:
    """The mean of a metric over several candidates, with an interval over rows: of accuracy and
    macro-F1 never narrower than that of one candidate with this value.
    """
    parts, value = statistics(found, shared(*found), metric)

    def mean(sums: Floats) -> Floats:
        return _mean(value, len(found), sums)[:, None]

    together = np.concatenate(parts, axis=1)
    return estimate(together, mean, _rows(metric, parts[0], together))


def _rows(metric: str, one: Floats, together: Floats) -> Rows:
    """What a mean over candidates rests on: all have the same gold labels."""
    if metric == "accuracy":
        return Rows(len(one), most=len(one))
    return rows_of_macro_f1(one) if metric == "macro_f1" else rows_of_spans(together)


def _mean(value: Metric, count: int, sums: Floats) -> Floats:
    """The metric's mean over `count` candidates, whose sums stand side by side."""
    found: Floats = np.mean([value(part) for part in np.split(sums, count, axis=1)], axis=0)
    return found


def shared(*found: RowResults) -> list[str]:
    """Ids of the rows that all have, in the first one's order."""
    first, *others = found
    return [row for row in first if all(row in other for other in others)]


def statistics(
    found: Sequence[RowResults], rows: Sequence[str], metric: str
) -> tuple[list[Floats], Metric]:
    """What each row adds to the sums of each candidate, shape (n, S), and the metric of such sums.

    Args:
        metric: `accuracy`, `macro_f1` or `span_f1`.
    """
    if metric == "accuracy":
        return [_right(each, rows)[:, None] for each in found], partial(_share, len(rows))
    if metric == "span_f1":
        return [_spans(each, rows) for each in found], partial(_first, micro_f1)
    pairs = [[each[row] for row in rows] for each in found]
    labels = sorted({label for each in pairs for pair in each for label in _labels(pair)})
    number = {label: index for index, label in enumerate(labels)}
    return [
        one_hot_counts(
            [number[p.gold] for p in each], [number[p.answer] for p in each], len(labels)
        )
        for each in pairs
    ], partial(_first, macro_f1)


def _share(rows: int, sums: Floats) -> Floats:
    return sums[:, 0] / rows


def _first(metric: Metric, sums: Floats) -> Floats:
    values: Floats = metric(sums)[:, 0]
    return values


def _labels(pair: Pair) -> tuple[str, str]:
    return pair.gold, pair.answer


def _right(found: RowResults, rows: Sequence[str]) -> Floats:
    return np.array([found[row].gold == found[row].answer for row in rows], dtype=np.float64)


def _spans(found: RowResults, rows: Sequence[str]) -> Floats:
    pairs = [found[row] for row in rows]
    sizes = [(len(p.gold & p.answer), len(p.gold), len(p.answer)) for p in pairs]
    return np.array(sizes, dtype=np.float64)
