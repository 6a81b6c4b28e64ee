"""Rows of CSV, TSV and JSONL files, one at a time, in constant memory."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from plait.datasets.text_files import json_lines, lines
from plait.errors import PlaitError

Records = Iterator[tuple[int, dict[str, Any]]]
# The csv module's default is 131,072 characters; validation limits the length of texts.
_FIELD_LIMIT = 2**31 - 1


def records(path: Path) -> Records:
    """Line number and columns of each row, in the format of the file's suffix.

    Raises:
        PlaitError: a line is malformed; names file and line.
    """
    return FORMATS[path.suffix](path)


def _delimited(delimiter: str) -> Callable[[Path], Records]:
    def read(path: Path) -> Records:
        csv.field_size_limit(_FIELD_LIMIT)
        reader = csv.reader(_with_ends(path), delimiter=delimiter, strict=True)
        header: list[str] | None = None
        for number, cells in _numbered(path, reader):
            if header is None:
                header = _header(path, cells)
            elif cells:
                yield number, _record(path, number, header, cells)
        if header is None:
            raise PlaitError(f"{path}: is empty; expected a header line that names the columns.")

    return read


def _with_ends(path: Path) -> Iterator[str]:
    return (line + "\n" for _, line in lines(path))


def _numbered(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their first line: a quoted cell may hold line ends."""
    while True:
        number = reader.line_num + 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise PlaitError(
                f"{path}, line {number}: not valid CSV ({error}). Quote cells that hold quotes or "
                "line ends, and double the quotes inside them."
            ) from error


def _header(path: Path, cells: list[str]) -> list[str]:
    repeated = sorted({cell for cell in cells if cells.count(cell) > 1})
    if repeated:
        raise PlaitError(
            f"{path}, line 1: column {repeated[0]!r} occurs twice. Rename one of them."
        )
    return cells


def _record(path: Path, number: int, header: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(header):
        raise PlaitError(
            f"{path}, line {number}: found {len(cells)} cells, expected {len(header)} "
            f"({', '.join(header)}). Quote cells that hold the delimiter."
        )
    return dict(zip(header, cells, strict=True))


FORMATS: dict[str, Callable[[Path], Records]] = {
    ".csv": _delimited(","),
    ".tsv": _delimited("\t"),
    ".jsonl": json_lines,
}


def parse_json_cell(value: Any) -> Any:
    """The value of a cell that holds JSON.

    Raises:
        ValueError: the cell is not JSON.
    """
    return json.loads(value) if isinstance(value, str) else value
