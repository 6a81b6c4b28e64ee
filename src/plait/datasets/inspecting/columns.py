"""What each column of a file is for, judged by its name and its values."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from plait.datasets.annotations.shapes import shown
from plait.datasets.label_sets import is_mark
from plait.datasets.splits import names_split

Kind = Literal["text", "label", "labels", "mark", "spans", "id", "split", "numbers", "other"]
_TEXT = ("text", "body", "sentence", "utterance", "message", "content", "comment", "review")
_LABEL = (
    *("label", "labels", "category", "categories", "class", "classes", "intent", "intents"),
    *("topic", "topics", "sentiment", "target", "tag", "tags"),
)
_ID = re.compile(r"(.*[_ .-])?(id|guid|uuid|number|nr|no|key|index)", re.IGNORECASE)
_SEPARATORS = (";", "|", ",")
_MOST_LABELS = 1000
_LONGEST_LABEL = 100
_ROWS_PER_LABEL = 3


@dataclass(frozen=True)
class Column:
    """A column of a file.

    Attributes:
        kind: what it is for; a `mark` says whether the label applies that the column is named like.
        distinct: number of distinct values, empty ones left out.
        example: its first value that isn't empty, short.
        listed: whether its values are lists, as answers of annotation tools are.
        separator: what stands between the labels of a cell, if they are not lists.
    """

    name: str
    kind: Kind
    filled: int
    distinct: int
    example: str
    listed: bool = False
    separator: str | None = None


def describe(rows: Iterable[Mapping[str, Any]]) -> tuple[int, list[Column]]:
    """The number of rows, and what each of their columns is; one of them is the text."""
    values: dict[str, list[Any]] = defaultdict(list)
    count = 0
    for row in rows:
        count += 1
        for name, value in row.items():
            if value not in (None, ""):
                values[name].append(value)
            else:
                values[name] += []
    found = _grouped([_column(name, each, count) for name, each in values.items()], values)
    text = _text(found, values)
    return count, [replace(each, kind="text") if each.name == text else each for each in found]


def _grouped(columns: list[Column], values: Mapping[str, Sequence[Any]]) -> list[Column]:
    """The columns; those of 0 and 1 are marks if there are several, filled in the same rows."""
    like = [
        column
        for column in columns
        if column.kind in ("label", "other")
        and column.filled
        and all(map(is_mark, values[column.name]))
    ]
    if len(like) < 2 or len({column.filled for column in like}) > 1:
        return columns
    return [replace(each, kind="mark") if each in like else each for each in columns]


def _column(name: str, values: Sequence[Any], rows: int) -> Column:
    distinct = len({json.dumps(value, sort_keys=True, default=str) for value in values})
    structured = _structured(values)
    plain = [str(value) for value in values]
    kind = structured or _plain(name, plain, distinct, rows)
    separator = (
        _separator(plain, distinct) if kind in ("label", "other") and not structured else None
    )
    example = shown(values[0])[:60] if values else ""
    listed = structured is not None
    return Column(
        name, "labels" if separator else kind, len(values), distinct, example, listed, separator
    )


def _separator(values: Sequence[str], distinct: int) -> str | None:
    """What cuts the values into labels, of which there are fewer than of their combinations."""
    for mark in _SEPARATORS:
        cut = [[part.strip() for part in value.split(mark)] for value in values]
        parts = [part for each in cut for part in each]
        alone = all(len(set(each)) == len(each) and all(each) for each in cut)
        if len(parts) > len(cut) and alone and _are_labels(parts, kinds := len(set(parts))):
            return mark if kinds < distinct else None
    return None


def _structured(values: Sequence[Any]) -> Kind | None:
    """The kind of values that are lists, also as JSON in strings; None for others."""
    lists = [found for value in values if isinstance(found := _parsed(value), list)]
    if not values or len(lists) < len(values):
        return "other" if any(isinstance(value, list | dict) for value in values) else None
    entries = [entry for found in lists for entry in found]
    if all(isinstance(entry, str) for entry in entries):
        return "labels" if max(map(len, lists)) > 1 else "label"
    if all(_is_span(entry) for entry in entries):
        return "spans"
    return "numbers" if all(isinstance(entry, int) for entry in entries) else "other"


def _parsed(value: Any) -> Any:
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _is_span(entry: Any) -> bool:
    return isinstance(entry, list) and len(entry) == 3 and all(type(n) is int for n in entry[:2])


def _plain(name: str, values: Sequence[str], distinct: int, rows: int) -> Kind:
    if values and distinct > 1 and all(map(names_split, set(values))):
        return "split"
    if distinct == len(values) == rows and _ID.fullmatch(name):
        return "id"
    return "label" if _are_labels(values, distinct) else "other"


def _are_labels(values: Sequence[str], distinct: int) -> bool:
    """Whether there are few values, short, each several times on average, and not measurements."""
    short = all(len(value) <= _LONGEST_LABEL for value in values)
    most = min(_MOST_LABELS, max(2, len(values) / _ROWS_PER_LABEL))
    few = 1 < distinct <= most and distinct < len(values)
    return short and few and not all(re.fullmatch(r"-?\d+\.\d+", value) for value in values)


def _text(columns: Sequence[Column], values: Mapping[str, Sequence[Any]]) -> str | None:
    """The column with the longest strings; of those at least half as long, a usual name."""
    means = {
        column.name: sum(map(len, strings)) / len(strings)
        for column in columns
        if column.kind in ("other", "label", "id")
        and (strings := [value for value in values[column.name] if isinstance(value, str)])
    }
    longest = max(means.values(), default=0.0)
    usual = [name for name in _TEXT if means.get(name, 0) * 2 >= longest > 0]
    return usual[0] if usual else max(means, key=lambda name: means[name], default=None)


def label_columns(columns: Sequence[Column]) -> list[Column]:
    """The columns of labels and marks: lists, or else those with a usual name, or else all."""
    found = [column for column in columns if column.kind in ("label", "labels", "mark")]
    listed = [column for column in found if column.listed]
    usual = [column for column in found if column.kind != "mark" and _last(column.name) in _LABEL]
    return listed or usual or found


def _last(name: str) -> str:
    return re.split(r"[_ .-]", name.lower())[-1]
