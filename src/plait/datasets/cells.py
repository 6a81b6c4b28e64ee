"""The cells of a row as columns of text: nested fields, joined texts, JSON's numbers and words."""

import math
import re
from collections.abc import Iterable
from typing import Any

from plait.datasets.text_files import column

_PART = re.compile(r"\{([^{}]+)\}")


def text_columns(text: str) -> list[str]:
    """The columns that make a text: one, or those in braces, as in `{title}: {body}`."""
    return _PART.findall(text) or [text]


def add_nested(row: dict[str, Any], columns: Iterable[str]) -> None:
    """Add columns such as `data.text` or `labels.0`, which are fields and places inside others."""
    for name in columns:
        if name not in row:
            found: Any = row
            for part in name.split("."):
                found = _inside(found, part)
            if found is not _ABSENT:
                row[name] = found


_ABSENT = object()


def _inside(value: Any, part: str) -> Any:
    if isinstance(value, dict):
        return value.get(part, _ABSENT)
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return _ABSENT


def read_text(row: dict[str, Any], text: str, where: str) -> str:
    """The text: a column's, or the columns of a template filled in; null there is empty.

    Raises:
        PlaitError: a column is missing or holds no string; names file, row and column.
    """
    if text in row or not _PART.search(text):
        return column(row, text, where)
    return _PART.sub(lambda part: _filled(row, part[1], where), text)


def _filled(row: dict[str, Any], name: str, where: str) -> str:
    return "" if row.get(name, "") is None else column(row, name, where)


def write_scalars(row: dict[str, Any], columns: Iterable[str]) -> None:
    """Write truth values and numbers of these columns as JSON does; NaN is null."""
    for name in columns:
        found = row.get(name, "")
        if not isinstance(found, str):
            row[name] = _scalar(found)


def _scalar(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return None if math.isnan(value) else repr(value)
    return str(value) if isinstance(value, int) else value
