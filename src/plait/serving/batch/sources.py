"""Files of texts as windows, and their rows as CSV cells, JSON objects or Arrow columns.

Values stay as they are: CSV cells as strings, lines of JSONL as their text, Parquet columns as
Arrow has them. Bytes that are not UTF-8 are kept as lone surrogates (PEP 383).
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from plait.datasets.formats.columns import check_names
from plait.datasets.formats.decoding import open_text
from plait.datasets.formats.delimited import Runaways, table
from plait.datasets.formats.json_rows import DECODER
from plait.datasets.formats.opening import RawFile
from plait.datasets.formats.parquet import opened
from plait.errors import PlaitError
from plait.serving.batch import windows
from plait.serving.batch.values import (
    Kind,
    arrow_type,
    arrow_values,
    as_cell,
    as_json,
    kind,
    unescaped,
)
from plait.serving.batch.windows import Faults, Read, Window

ESCAPED = "surrogateescape"
REMEDY = "Name the column with the text: `--text NAME`."


class Source(ABC):
    """A file of texts. `text` names the column with the text.

    `kinds` has what each column of a JSONL file holds, once it was read; `columns` the names.
    """

    def __init__(self, file: RawFile, text: str) -> None:
        self.file, self.text = file, text
        self.kinds: dict[str, set[Kind]] = {}
        self.columns: list[str] = []

    @abstractmethod
    def windows(self, faults: Faults) -> Iterator[Window]:
        """All rows. Rows that can't be kept go to `faults`.

        Raises:
            PlaitError: the file is damaged, or lacks the column with the text.
        """

    @abstractmethod
    def schema(self) -> Any:
        """The Arrow schema of `arrays`."""

    @abstractmethod
    def cells(self, window: Window) -> Iterator[Sequence[str]]:
        """Each row as CSV cells, in the order of `columns`."""

    @abstractmethod
    def objects(self, window: Window) -> Iterator[str]:
        """Each row as the JSON text of an object."""

    @abstractmethod
    def arrays(self, window: Window) -> Any:
        """The rows as an Arrow record batch."""


class Delimited(Source):
    """CSV or TSV."""

    def windows(self, faults: Faults) -> Iterator[Window]:
        yield from windows.windows(self._rows(faults))

    def _mark(self) -> str:
        return "\t" if ".tsv" in self.file.shown.suffixes else ","

    def _rows(self, faults: Faults) -> Read:
        shown = self.file.shown
        with table(self._mark(), self.file, ESCAPED) as (delimiter, rows):
            number, _, header = next(rows, (1, 1, []))
            check_names(self.file, f"{shown}, line {number}", header, REMEDY)
            self.columns = list(header)
            at, width = header.index(self.text), len(header)
            runaways = Runaways(self._mark(), self.file, delimiter, width)
            for number, end, cells in rows:
                if end > number:
                    runaways.check(number, end, cells)
                if len(cells) == width:
                    yield f"line {number}", cells[at], cells
                else:
                    faults.add(f"line {number}: found {len(cells)} cells, expected {width}")

    def schema(self) -> Any:
        import pyarrow

        return pyarrow.schema([(name, pyarrow.string()) for name in self.columns])

    def cells(self, window: Window) -> Iterator[Sequence[str]]:
        return iter(window.content)

    def objects(self, window: Window) -> Iterator[str]:
        return (as_json(dict(zip(self.columns, row, strict=True))) for row in window.content)

    def arrays(self, window: Window) -> Any:
        import pyarrow

        columns = zip(*window.content, strict=True)
        arrays = [pyarrow.array(map(unescaped, each), pyarrow.string()) for each in columns]
        return pyarrow.record_batch(arrays, schema=self.schema())


class Lines(Source):
    """JSONL: an object on each line; content is (line, object)."""

    def windows(self, faults: Faults) -> Iterator[Window]:
        kinds: dict[str, set[Kind]] = defaultdict(set)
        found = self.columns != []  # by an earlier reading
        yield from windows.windows(self._rows(faults, None if found else kinds))
        if not found:
            self.kinds, self.columns = dict(kinds), list(kinds)
            if kinds:
                check_names(self.file, str(self.file.shown), self.columns, REMEDY)

    def _rows(self, faults: Faults, kinds: dict[str, set[Kind]] | None) -> Read:
        with open_text(self.file, "\n", ESCAPED) as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    row = DECODER.decode(line)
                except (ValueError, RecursionError) as error:
                    faults.add(f"line {number}: not valid JSON ({error})")
                    continue
                if not isinstance(row, dict):
                    faults.add(f"line {number}: found no JSON object")
                    continue
                if kinds is not None:
                    for name, value in row.items():
                        kinds[name].add(kind(value))
                yield f"line {number}", row.get(self.text), (line.strip(), row)

    def schema(self) -> Any:
        import pyarrow

        return pyarrow.schema([(name, arrow_type(self.kinds[name])) for name in self.columns])

    def cells(self, window: Window) -> Iterator[Sequence[str]]:
        for _, row in window.content:
            yield [as_cell(row.get(name)) for name in self.columns]

    def objects(self, window: Window) -> Iterator[str]:
        return (line for line, _ in window.content)

    def arrays(self, window: Window) -> Any:
        import pyarrow

        rows = [row for _, row in window.content]
        values = [
            arrow_values([row.get(name) for row in rows], self.kinds[name]) for name in self.columns
        ]
        schema = self.schema()
        arrays = [pyarrow.array(v, f.type) for v, f in zip(values, schema, strict=True)]
        return pyarrow.record_batch(arrays, schema=schema)


class Columns(Source):
    """Parquet; content is an Arrow record batch."""

    def windows(self, faults: Faults) -> Iterator[Window]:
        with opened(self.file) as found:
            self._schema = found.schema_arrow
            check_names(self.file, str(self.file.shown), self._schema.names, REMEDY)
            self.columns = list(self._schema.names)
            self._check_type()
            begin = 0
            for number, batch in enumerate(found.iter_batches(windows.ROWS)):
                places = [f"row {begin + i}" for i in range(1, len(batch) + 1)]
                column = batch.column(self.columns.index(self.text))
                yield Window(number, begin, places, _strings(column), batch)
                begin += len(batch)

    def _check_type(self) -> None:
        from pyarrow import types

        held = self._schema.field(self.text).type
        inner = held.value_type if types.is_dictionary(held) else held
        if not (types.is_string(inner) or types.is_large_string(inner)):
            raise PlaitError(
                f"{self.file.shown}: column {self.text!r} holds {held}, expected texts (string). "
                "Name another column with `--text`."
            )

    def schema(self) -> Any:
        return self._schema

    def cells(self, window: Window) -> Iterator[Sequence[str]]:
        for row in self._rows(window):
            yield list(map(as_cell, row.values()))

    def objects(self, window: Window) -> Iterator[str]:
        return map(as_json, self._rows(window))

    def arrays(self, window: Window) -> Any:
        return window.content

    def _rows(self, window: Window) -> Iterator[dict[str, Any]]:
        """A slice at a time: a window of Python's objects would be many times as large."""
        for begin in range(0, len(window.texts), _SLICE):
            yield from window.content.slice(begin, _SLICE).to_pylist()


_SLICE = 256


def _strings(column: Any) -> list[Any]:
    """Texts of a column; of one that is not UTF-8 its bytes are kept."""
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return [None if v is None else v.decode("utf-8", ESCAPED) for v in _raw(column)]


def _raw(column: Any) -> list[bytes | None]:
    import pyarrow

    return list(column.view(pyarrow.binary()).to_pylist())


SOURCES: dict[str, type[Source]] = {
    ".csv": Delimited,
    ".tsv": Delimited,
    ".jsonl": Lines,
    ".parquet": Columns,
}
