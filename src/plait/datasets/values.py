"""Labels and spans of a row's cells."""

from pathlib import Path
from typing import Any

from plait.datasets.table_files import parse_json_cell
from plait.datasets.text_files import column
from plait.errors import PlaitError
from plait.tasks import Span


def read_label(value: dict[str, Any], name: str, path: Path, number: int) -> str | None:
    """A label; None if the cell is empty or null."""
    found = value.get(name, "")
    if name not in value or not isinstance(found, str | int | None):
        column(value, name, path, number)
    return None if found is None or found == "" else str(found)


def read_spans(
    value: dict[str, Any], name: str, text: str, path: Path, number: int
) -> tuple[Span, ...] | None:
    """Spans sorted by position; None if the cell is empty or null."""
    if value.get(name) in (None, "") and name in value:
        return None
    try:
        spans = tuple(sorted(Span(*_span(entry)) for entry in parse_json_cell(value[name])))
    except (KeyError, TypeError, ValueError) as error:
        raise PlaitError(
            f"{path}, line {number}: column {name!r}: found {value.get(name)!r}, expected "
            "[[start, end, type], …] in characters."
        ) from error
    _check_spans(spans, text, f"{path}, line {number}: column {name!r}")
    return spans


def _span(entry: Any) -> tuple[int, int, str]:
    start, end, label = entry
    if type(start) is not int or type(end) is not int or not isinstance(label, str):
        raise TypeError(f"{entry!r} is not a span")
    return start, end, label


def _check_spans(spans: tuple[Span, ...], text: str, where: str) -> None:
    end = 0
    for span in spans:
        if not end <= span.start < span.end <= len(text):
            raise PlaitError(
                f"{where}: span [{span.start}, {span.end}, {span.label!r}] is empty, overlaps "
                f"another or ends outside the text of {len(text)} characters. Correct the "
                "offsets: they count characters from 0, without the end."
            )
        end = span.end
