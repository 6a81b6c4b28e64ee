"""What each column of a file is for, judged by its name and its values."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from plait.datasets.annotations.shapes import shown

Kind = Literal["text", "label", "labels", "spans", "id", "split", "numbers", "other"]
_TEXT = ("text", "body", "sentence", "utterance", "message", "content", "comment", "review")
_LABEL = ("label", "labels", "category", "class", "intent", "topic", "sentiment", "target", "tag")
_ID = re.compile(r"(.*[_ .-])?(id|guid|uuid|number|nr|no|key|index)", re.IGNORECASE)
_SPLITS = frozenset(
    ("train", "training", "dev", "val", "valid", "validation", "test", "testing", "heldout")
)
_MOST_LABELS = 1000
_LONGEST_LABEL = 100
_ROWS_PER_LABEL = 3


@dataclass(frozen=True)
class Column:
    """A column of a file.

    Attributes:
        kind: what it is for.
        distinct: number of distinct values, empty ones left out.
        example: its first value that isn't empty, short.
        listed: whether its values are lists, as answers of annotation tools are.
    """

    name: str
    kind: Kind
    filled: int
    distinct: int
    example: str
    listed: bool = False


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
    found = [_column(name, each, count) for name, each in values.items()]
    text = _text(found, values)
    return count, [Column(**{**vars(c), "kind": "text"}) if c.name == text else c for c in found]


def _column(name: str, values: Sequence[Any], rows: int) -> Column:
    distinct = len({json.dumps(value, sort_keys=True, default=str) for value in values})
    structured = _structured(values)
    kind = structured or _plain(name, [str(value) for value in values], distinct, rows)
    example = shown(values[0])[:60] if values else ""
    return Column(name, kind, len(values), distinct, example, structured is not None)


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
    if values and distinct > 1 and {value.strip().lower() for value in values} <= _SPLITS:
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
    """The columns of labels: those of lists, or else with a usual name, or else all of them."""
    found = [column for column in columns if column.kind in ("label", "labels")]
    listed = [column for column in found if column.listed]
    usual = [column for column in found if _last(column.name) in _LABEL]
    return listed or usual or found


def _last(name: str) -> str:
    return re.split(r"[_ .-]", name.lower())[-1]
