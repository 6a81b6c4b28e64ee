"""Rows of files in any known format, one at a time."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from plait.datasets.formats.delimited import delimited
from plait.datasets.formats.excel import excel_rows
from plait.datasets.formats.json_rows import json_rows
from plait.datasets.formats.layout import Layout
from plait.datasets.formats.opening import (
    COMPRESSED,
    RawFile,
    Records,
    content_suffix,
    plain_suffix,
)
from plait.datasets.formats.parquet import class_names, parquet_rows
from plait.datasets.hub_card import Classes, card_classes
from plait.errors import PlaitError

__all__ = ["FORMATS", "Records", "fault", "outside_names", "parse_json_cell", "records", "unit"]

FORMATS: dict[str, Callable[[RawFile], Records]] = {
    ".csv": delimited(","),
    ".tsv": delimited("\t"),
    ".jsonl": json_rows,
    ".ndjson": json_rows,
    ".json": json_rows,
    ".parquet": parquet_rows,
    ".xlsx": excel_rows,
}


def fault(name: str) -> str | None:
    """What is wrong with a path; None for a known format, also compressed, and for a folder."""
    if plain_suffix(name) in (*FORMATS, ".zip", "") or name.endswith("*"):
        return None
    packed = ", ".join([*COMPRESSED, ".zip"])
    return f"{name!r} ends with none of {', '.join(FORMATS)} (or with these and {packed})"


def unit(file: RawFile) -> str:
    """What the numbers of `records` count."""
    return "row" if content_suffix(file) in (".parquet", ".xlsx") else "line"


def outside_names(file: RawFile, card: Path | None) -> Classes:
    """Column → the names of its classes in README.md, where the file itself has none."""
    if card is None or not (found := card_classes(card, file.shown.with_name(card.name))):
        return {}
    inside = class_names(file) if content_suffix(file) == ".parquet" else {}
    return {name: names for name, names in found.items() if name not in inside}


def records(
    path: Path,
    layout: Layout | None = None,
    shown: Path | None = None,
    wanted: Sequence[str] = (),
) -> Records:
    """Number of the line (or `unit`) and columns of each row, in the format of the file's suffix.

    Errors call the file `shown`. With `wanted`, a format may leave other columns out.

    Raises:
        PlaitError: a line is malformed or a wanted column missing; names file and line.
    """
    file = RawFile(path, shown or path, layout or Layout(), tuple(wanted))
    suffix = content_suffix(file)
    if suffix not in FORMATS:
        raise PlaitError(
            f"{file.shown}: its format is not known; expected one of {', '.join(FORMATS)}. Rename "
            "or convert it."
        )
    return FORMATS[suffix](file)


def parse_json_cell(value: Any) -> Any:
    """The value of a cell that holds JSON.

    Raises:
        ValueError: the cell is not JSON.
    """
    return json.loads(value) if isinstance(value, str) else value
