"""Parts of an output, and how they become one file: CSV, TSV, JSONL or Parquet."""

import csv
import gzip
import io
import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from plait.datasets.formats.opening import plain_suffix
from plait.serving.batch.columns import Column, Shape
from plait.serving.batch.sources import Source
from plait.serving.batch.values import as_bytes, as_cell
from plait.serving.batch.windows import Window

Values = Sequence[Sequence[Any]]
"""Of each column of answers the values of all rows of a window."""
GROUP_ROWS, GROUP_BYTES = 1 << 16, 1 << 26
"""Size from which a row group of Parquet ends."""
_BLOCK = 1 << 20


class Sink(ABC):
    """Writes rows with their answers.

    `kept` are the places in the window of the rows that are written; None: all.
    """

    def __init__(self, source: Source, added: Sequence[Column], out: Path) -> None:
        self.source, self.added, self.out = source, added, out

    @abstractmethod
    def part(self, window: Window, values: Values, kept: Sequence[bool] | None) -> bytes:
        """A window's rows, with their answers, as a part of the output."""

    @abstractmethod
    def join(self, parts: Iterator[Path], stream: IO[bytes]) -> None:
        """Make the output of its parts, in order."""


class Text(Sink):
    """What is text: the output is a head and the parts, compressed if its name says so."""

    def head(self) -> bytes:
        """What stands before the rows."""
        return b""

    def join(self, parts: Iterator[Path], stream: IO[bytes]) -> None:
        with _compressed(self.out, stream) as target:
            target.write(self.head())
            for path in parts:
                with path.open("rb") as part:
                    shutil.copyfileobj(part, target, _BLOCK)


class DelimitedSink(Text):
    """CSV or TSV: values that are no scalars are JSON."""

    def head(self) -> bytes:
        names = [*self.source.columns, *(column.name for column in self.added)]
        return self._lines([names])

    def part(self, window: Window, values: Values, kept: Sequence[bool] | None) -> bytes:
        cells = (map(as_cell, answers) for answers in zip(*values, strict=True))
        rows = zip(self.source.cells(window), cells, strict=True)
        return self._lines([*row, *answers] for row, answers in _only(rows, kept))

    def _lines(self, rows: Iterable[Sequence[str]]) -> bytes:
        text = io.StringIO(newline="")
        mark = "\t" if plain_suffix(self.out.name) == ".tsv" else ","
        plain = csv.writer(text, delimiter=mark, lineterminator="\n")
        quoted = csv.writer(text, delimiter=mark, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for row in rows:
            # Python before 3.13 leaves a cell with a lone carriage return without quotes.
            (quoted if any("\r" in cell for cell in row) else plain).writerow(row)
        return as_bytes(text.getvalue())


class LinesSink(Text):
    """JSONL: the answers stand behind the row's own fields, which stay as they are written."""

    def part(self, window: Window, values: Values, kept: Sequence[bool] | None) -> bytes:
        names = [column.name for column in self.added]
        answers = (dict(zip(names, row, strict=True)) for row in zip(*values, strict=True))
        rows = zip(self.source.objects(window), answers, strict=True)
        return as_bytes("".join(_spliced(row, answer) for row, answer in _only(rows, kept)))


def _spliced(row: str, answer: dict[str, Any]) -> str:
    """An object's text with further fields."""
    own = row[:-1].rstrip()
    more = json.dumps(answer, ensure_ascii=False)[1:]
    return f"{own}{more}\n" if own == "{" else f"{own}, {more}\n"


class ParquetSink(Sink):
    """Parquet; parts are Arrow IPC streams, which keep every type."""

    def part(self, window: Window, values: Values, kept: Sequence[bool] | None) -> bytes:
        import pyarrow

        batch = self.source.arrays(window)
        schema = self._schema()
        types = [field.type for field in schema][len(batch.schema) :]
        more = [pyarrow.array(v, t) for v, t in zip(values, types, strict=True)]
        whole = pyarrow.record_batch([*batch.columns, *more], schema=schema)
        buffer = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(buffer, schema) as writer:
            writer.write_batch(whole if kept is None else whole.filter(pyarrow.array(kept)))
        return bytes(buffer.getvalue())

    def _schema(self) -> Any:
        import pyarrow

        own = self.source.schema()
        more = [pyarrow.field(column.name, _type(column.shape)) for column in self.added]
        return pyarrow.schema([*own, *more], metadata=own.metadata)

    def join(self, parts: Iterator[Path], stream: IO[bytes]) -> None:
        import pyarrow
        from pyarrow import parquet

        with (
            _compressed(self.out, stream) as target,
            parquet.ParquetWriter(target, self._schema(), compression="zstd") as writer,
        ):
            for batches in _groups(map(_batches, parts)):
                table = pyarrow.Table.from_batches(batches, self._schema())
                writer.write_table(table, row_group_size=max(1, len(table)))


def _batches(path: Path) -> list[Any]:
    import pyarrow

    with pyarrow.OSFile(str(path)) as stream, pyarrow.ipc.open_stream(stream) as reader:
        return list(reader)


def _groups(parts: Iterator[list[Any]]) -> Iterator[list[Any]]:
    """Batches for a row group each; where it ends depends on the rows alone."""
    group: list[Any] = []
    for batches in parts:
        group += batches
        full = sum(map(len, group)) >= GROUP_ROWS
        if full or sum(batch.nbytes for batch in group) >= GROUP_BYTES:
            yield group
            group = []
    if group:
        yield group


def _type(shape: Shape) -> Any:
    import pyarrow as pa

    label = [("label", pa.string())]
    chance = [("probability", pa.float64())]
    span = [("start", pa.int64()), ("end", pa.int64()), *label, ("text", pa.string()), *chance]
    return {
        "string": pa.string(),
        "number": pa.float64(),
        "truth": pa.bool_(),
        "strings": pa.list_(pa.string()),
        "numbers": pa.list_(pa.float64()),
        "spans": pa.list_(pa.struct(span)),
        "ranked": pa.list_(pa.struct([*label, *chance])),
    }[shape]


def _only(rows: Any, kept: Sequence[bool] | None) -> Any:
    if kept is None:
        return rows
    return (row for row, stays in zip(rows, kept, strict=True) if stays)


@contextmanager
def _compressed(out: Path, stream: IO[bytes]) -> Iterator[Any]:
    """The same bytes on every day: no time stands in them."""
    suffix = out.suffix.lower()
    if suffix == ".gz":
        with gzip.GzipFile("", "wb", 6, stream, mtime=0) as target:
            yield target
    elif suffix == ".zst":
        import zstandard

        with zstandard.ZstdCompressor(write_checksum=True).stream_writer(
            stream, closefd=False
        ) as target:
            yield target
    else:
        yield stream


SINKS: dict[str, type[Sink]] = {
    ".csv": DelimitedSink,
    ".tsv": DelimitedSink,
    ".jsonl": LinesSink,
    ".parquet": ParquetSink,
}
