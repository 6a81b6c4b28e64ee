"""Rows of CSV and TSV files, one at a time, in constant memory."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Any

from plait.datasets.formats.columns import check_names, quoted
from plait.datasets.formats.decoding import open_text
from plait.datasets.formats.opening import RawFile, Records
from plait.datasets.formats.saying import say
from plait.datasets.formats.swallowed import categories, known, pieces
from plait.errors import PlaitError

Numbered = Iterator[tuple[int, int, list[str]]]
"""First line, last line and cells of each row."""
# The csv module's default is 131,072 characters; validation limits the length of texts. There must
# be a limit: after a quote that nothing closes, the rest of the file is one cell.
FIELD_LIMIT = 100_000_000
SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)


def delimited(default: str) -> Callable[[RawFile], Records]:
    """A reader of files with this delimiter, unless the layout or a `sep=` line has another."""
    return partial(_read, default)


def _read(default: str, file: RawFile) -> Records:
    with table(default, file) as (delimiter, rows):
        header = _header(file, rows)
        unnamed = [place for place, name in enumerate(header) if not name.strip()]
        runaways = Runaways(default, file, delimiter, len(header))
        for number, end, cells in rows:
            if end > number:
                runaways.check(number, end, cells)
            if unnamed:
                yield number, _named(file, number, header, unnamed, cells)
            elif len(cells) == len(header):
                yield number, dict(zip(header, cells, strict=False))  # True would check again
            else:
                raise _uneven(file, number, header, cells)


@contextmanager
def table(default: str, file: RawFile, errors: str = "strict") -> Iterator[tuple[str, Numbered]]:
    """The delimiter and the rows, the header among them; `errors` as for `open_text`."""
    csv.field_size_limit(FIELD_LIMIT)
    with open_text(file, errors=errors) as lines:
        first = lines.readline()
        declared = SEPARATOR.fullmatch(first)
        mark = file.layout.delimiter or (declared[1] if declared else default)
        options: dict[str, Any] = {"delimiter": mark[0], "skipinitialspace": len(mark) > 1}
        if file.layout.quoting == "none":
            options |= {"quoting": csv.QUOTE_NONE, "quotechar": None}
        reader = csv.reader(lines if declared else chain([first], lines), strict=True, **options)
        yield mark[0], _rows(file, reader, 1 if declared else 0)


def _rows(file: RawFile, reader: Any, skipped: int) -> Numbered:
    """A quoted cell may hold line ends; blank lines are no rows."""
    end = skipped
    try:
        for cells in reader:
            number, end = end + 1, reader.line_num + skipped
            if cells:
                yield number, end, cells
    except csv.Error as error:
        raise PlaitError(
            f"{file.shown}, line {end + 1}: not valid CSV ({error}). Quote cells that hold quotes "
            "or line ends, and double the quotes inside them; if quotes are characters of the "
            "cells, set `quoting: none`."
        ) from error


def _header(file: RawFile, rows: Numbered) -> Sequence[str]:
    if not file.layout.header:
        check_names(file, f"{file.shown}, line 1", file.layout.columns)
        return file.layout.columns
    for number, _, cells in rows:
        remedy = "If this line is a row, set `header: false` and `columns`."
        check_names(file, f"{file.shown}, line {number}", cells, remedy)
        return cells
    raise PlaitError(f"{file.shown}: is empty; expected a header line that names the columns.")


def _uneven(file: RawFile, number: int, header: Sequence[str], cells: Sequence[str]) -> PlaitError:
    return PlaitError(
        f"{file.shown}, line {number}: found {len(cells)} cells, expected {len(header)} "
        f"({quoted(header)}). Quote cells that hold the delimiter."
    )


def _named(
    file: RawFile, number: int, header: Sequence[str], unnamed: Sequence[int], cells: list[str]
) -> dict[str, str]:
    """The cells of named columns; others must be empty, but for an index in the first column."""
    cells = cells + [""] * sum(place >= len(cells) for place in unnamed)
    if len(cells) != len(header):
        raise _uneven(file, number, header, cells)
    for place in unnamed:
        if place and cells[place].strip():
            raise PlaitError(
                f"{file.shown}, line {number}: cell {place + 1} holds {cells[place][:60]!r}, but "
                "its column has no name. Name the column, or quote the cell that was cut into "
                "several."
            )
    return {name: cell for name, cell in zip(header, cells, strict=True) if name.strip()}


class Runaways:
    """Refuses rows that a quote has swallowed: cells with lines that look like rows of the file."""

    def __init__(self, default: str, file: RawFile, delimiter: str, columns: int) -> None:
        self._default, self._file = default, file
        self._delimiter, self._columns = delimiter, columns
        self._categories: Mapping[int, frozenset[str]] | None = None

    def check(self, number: int, end: int, cells: Sequence[str]) -> None:
        """Check a row of the lines `number` to `end`.

        Raises:
            PlaitError: lines of a cell have the values of the file's columns.
        """
        found = list(pieces(cells, self._delimiter, self._columns))
        told = known(found, self._values()) if found else False
        if told is not False:
            message = (
                f"{self._file.shown}, line {number}: a quoted cell goes on to line {end} and holds "
                "what looks like further rows. If a quote was not closed, close it or double it; "
                "if quotes are characters of the cells, set `quoting: none`."
            )
            if told:
                raise PlaitError(message)
            say(message)

    def _values(self) -> Mapping[int, frozenset[str]]:
        if self._categories is None:
            with table(self._default, self._file) as (_, rows):
                if self._file.layout.header:
                    next(rows, None)
                self._categories = categories(cells for number, end, cells in rows if end == number)
        return self._categories
