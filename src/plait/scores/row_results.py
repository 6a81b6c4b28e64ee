"""A candidate's predictions beside the gold labels, row by row: comparisons are made on these."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from plait.scores.differences import FINE, Difference, McNemar, itself, mcnemar, paired_bootstrap
from plait.scores.intervals import Estimate, Floats, Rows, estimate
from plait.scores.scoring import (
    indicators,
    label_counts,
    macro_f1,
    micro_f1,
    rows_of_macro_f1,
    rows_of_spans,
)

Json = Mapping[str, Any]
Metric = Callable[[Floats], Floats]
"""Sums over rows, shape (B, S) → values, shape (B,)."""
SHARES = ("accuracy", "exact_match")
"""Metrics that are a share of rows."""


@dataclass(frozen=True)
class Pair:
    """Gold label and answer of a row: each is a label, or a set of labels or (start, end, type)."""

    gold: Any
    answer: Any


RowResults = Mapping[str, Pair]
"""By row id; rows without a gold label are not in it."""


def row_results(lines: Iterable[Json], task: str) -> RowResults:
    """One task's results from the lines of `predictions/CANDIDATE/DATASET.jsonl`."""
    return kept_results(kept_answers(lines, task))


def kept_answers(lines: Iterable[Json], task: str) -> Iterator[Json]:
    """One task's `{"id", "gold", "answer"}` from such lines."""
    for line in lines:
        yield {"id": line["id"], "gold": line["gold"][task], "answer": line["answers"][task]}


def kept_results(lines: Iterable[Json]) -> RowResults:
    """Results from lines with `id`, `gold` and `answer`."""
    return {
        line["id"]: Pair(_plain(line["gold"]), _plain(line["answer"]))
        for line in lines
        if line["gold"] is not None
    }


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    return frozenset(each if isinstance(each, str) else tuple(each) for each in value)


def compare(first: RowResults, second: RowResults, metric: str, fine: int = FINE) -> Difference:
    """First minus second on the rows that both have, by paired bootstrap.

    Args:
        metric: one of `plait.tasks.METRICS`.
        fine: as `paired_bootstrap` has it; 0 where only the intervals are asked for.
    """
    if first is second:
        return itself(len(first))
    return compare_means([first], [second], metric, fine)


def compare_means(
    first: Sequence[RowResults], second: Sequence[RowResults], metric: str, fine: int = FINE
) -> Difference:
    """Mean of the first minus mean of the second, as many, on the rows that all have.

    With a training a seed, the interval covers the choice of rows, not of seeds.
    """
    parts, value = statistics([*first, *second], shared(*first, *second), metric)
    one, other = (
        np.concatenate(half, axis=1) for half in (parts[: len(first)], parts[len(first) :])
    )
    rows = _rows(metric, parts[0], np.concatenate(parts, axis=1)).alike
    return paired_bootstrap(one, other, partial(_mean, value, len(first)), rows=rows, fine=fine)


def compare_rows(first: RowResults, second: RowResults) -> McNemar:
    """McNemar's test on which rows are right (in all labels or spans)."""
    rows = shared(first, second)
    return mcnemar(_right(first, rows), _right(second, rows))


def mean_over(found: Sequence[RowResults], metric: str) -> Estimate:
    """The mean of a metric over several candidates, with an interval over rows: of shares of rows
    and macro-F1 never narrower than that of one candidate with this value.
    """
    parts, value = statistics(found, shared(*found), metric)

    def mean(sums: Floats) -> Floats:
        return _mean(value, len(found), sums)[:, None]

    together = np.concatenate(parts, axis=1)
    return estimate(together, mean, _rows(metric, parts[0], together))


def _rows(metric: str, one: Floats, together: Floats) -> Rows:
    """What a mean over candidates rests on: all have the same gold labels."""
    if metric in SHARES:
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
        metric: one of `plait.tasks.METRICS`.
    """
    if metric in SHARES:
        return [_right(each, rows)[:, None] for each in found], partial(_share, len(rows))
    if metric in ("span_f1", "micro_f1"):
        return [_spans(each, rows) for each in found], partial(_first, micro_f1)
    pairs = [[each[row] for row in rows] for each in found]
    labels = sorted({label for each in pairs for pair in each for label in _labels(pair)})
    return [
        label_counts(
            indicators([_set(p.gold) for p in each], labels),
            indicators([_set(p.answer) for p in each], labels),
        )
        for each in pairs
    ], partial(_first, macro_f1)


def _share(rows: int, sums: Floats) -> Floats:
    return sums[:, 0] / rows


def _first(metric: Metric, sums: Floats) -> Floats:
    values: Floats = metric(sums)[:, 0]
    return values


def _labels(pair: Pair) -> frozenset[str]:
    return _set(pair.gold) | _set(pair.answer)


def _set(value: Any) -> frozenset[str]:
    """A label alone, or several."""
    return frozenset([value]) if isinstance(value, str) else value


def _right(found: RowResults, rows: Sequence[str]) -> Floats:
    return np.array([found[row].gold == found[row].answer for row in rows], dtype=np.float64)


def _spans(found: RowResults, rows: Sequence[str]) -> Floats:
    pairs = [found[row] for row in rows]
    sizes = [(len(p.gold & p.answer), len(p.gold), len(p.answer)) for p in pairs]
    return np.array(sizes, dtype=np.float64)
