"""Open a file whose format nobody has named: its format, the settings to read it, its rows."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from plait.datasets.annotations import formats, records
from plait.datasets.annotations.shapes import Wanted
from plait.errors import PlaitError

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_ENCODINGS = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp932", "gb18030", "euc_kr")
_LINES = 100
_BYTES = 1 << 20


@dataclass(frozen=True)
class Opened:
    """A file that can be read.

    Attributes:
        format: in words.
        reader: the name of the reader.
        layout: settings of the reader that differ from its defaults.
    """

    path: Path
    format: str
    reader: str
    layout: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The columns of each row.

        Raises:
            PlaitError: a row is malformed.
        """
        if self.reader == "annotations":
            found = formats.read(self.path, self.layout["format"], Wanted())
            return (value for _, value in found)
        if "encoding" in self.layout or self.format.startswith("CSV"):
            return _delimited(self.path, self.layout)
        return (_flat(value) for _, value in records.records(self.path))


def open_file(path: Path) -> Opened:
    """Find out what a file is.

    Raises:
        PlaitError: there is no such file, it is empty, or it is none of the known formats.
    """
    if not path.is_file():
        raise PlaitError(f"{path}: no such file. Name a file with texts and labels.")
    encoding = _encoding(path)
    if encoding is None:
        name = formats.detect(path)
        if name is not None:
            return Opened(path, f"annotations ({name})", "annotations", {"format": name})
        if records.has_records(path):
            return Opened(path, _records_format(path), "table")
    return _open_delimited(path, encoding)


def _records_format(path: Path) -> str:
    if records.unit(path) == "line":
        return "JSONL"
    return "JSON array" if records.is_array(path) else "Parquet"


def _encoding(path: Path) -> str | None:
    """None for UTF-8, with or without a mark, and for binary formats."""
    with path.open("rb") as stream:
        start = stream.read(_BYTES)
    if not start.strip():
        raise PlaitError(f"{path}: is empty; expected rows.")
    if b"\0" in start[:1000]:
        return None if not start.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-16"
    try:
        start[: start.rfind(b"\n") + 1].decode("utf-8-sig")
    except UnicodeDecodeError:
        return _likely(start)
    return None


def _likely(start: bytes) -> str:
    from charset_normalizer import from_bytes

    # Lines of ASCII say nothing, and hide what others say.
    telling = b"\n".join(line for line in start.splitlines() if not line.isascii())
    found = from_bytes(telling, cp_isolation=list(_ENCODINGS)).best()
    likely = found.encoding if found else "cp1252"
    alike = telling.decode("cp1252", "replace") == telling.decode(likely, "replace")
    return "cp1252" if alike else likely


def _open_delimited(path: Path, encoding: str | None) -> Opened:
    head = _head(path, encoding)
    mark = _delimiter(head)
    if mark is None:
        raise PlaitError(
            f"{path}: found neither records nor columns in its first lines, expected CSV, JSON, "
            f"Parquet or an export of {', '.join(formats.NAMES)}. Write one text a line, with its "
            "label in a second column."
        )
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    layout: dict[str, Any] = {"encoding": encoding} if encoding else {}
    if mark != usual:
        layout["delimiter"] = mark
    if not _has_header(head, mark):
        width = len(next(csv.reader(head, delimiter=mark)))
        layout |= {"header": False, "columns": _made_up(head, mark, width)}
    words = f"CSV, {_DELIMITERS[mark]}s between cells, {encoding or 'UTF-8'}"
    return Opened(path, words, "table", layout)


def _head(path: Path, encoding: str | None) -> list[str]:
    with path.open(encoding=encoding or "utf-8-sig", newline="", errors="replace") as stream:
        return list(islice(stream, _LINES))


def _delimiter(head: list[str]) -> str | None:
    """The mark that cuts most lines into the same number of cells, two at least."""
    best: tuple[float, int, str] | None = None
    for mark in _DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(head, delimiter=mark) if row)
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        if width > 1 and (best is None or (count / widths.total(), width) > best[:2]):
            best = count / widths.total(), width, mark
    return best[2] if best else None


def _has_header(head: list[str], mark: str) -> bool:
    """Whether the first row names columns: none of its cells is a value that others repeat."""
    first, *others = csv.reader(head, delimiter=mark)
    repeated = Counter(cell for row in others for cell in row)
    return not any(cell.strip() and repeated[cell] > 1 for cell in first)


def _made_up(head: list[str], mark: str, width: int) -> list[str]:
    """Names for columns without a header: the longest is the text, the first other the label."""
    rows = [row for row in csv.reader(head, delimiter=mark) if len(row) == width]
    lengths = [sum(len(row[index]) for row in rows) for index in range(width)]
    text = lengths.index(max(lengths))
    others = [index for index in range(width) if index != text]
    names = {text: "text", others[0]: "label"}
    return [names.get(index, f"column_{index + 1}") for index in range(width)]


def _delimited(path: Path, layout: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    encoding = layout.get("encoding", "utf-8-sig")
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding=encoding, newline="") as stream:
        reader = csv.reader(stream, delimiter=layout.get("delimiter", usual))
        try:
            names = layout.get("columns") or next(reader, [])
            yield from (dict(zip(names, cells, strict=False)) for cells in reader if cells)
        except (csv.Error, UnicodeDecodeError) as error:
            raise PlaitError(
                f"{path}, line {reader.line_num + 1}: {error}; expected whole cells in {encoding}. "
                "Save the file as UTF-8, with quotes around cells that hold quotes or line ends."
            ) from error


def _flat(value: Mapping[str, Any]) -> dict[str, Any]:
    """Fields inside fields as `outer.inner`, two levels deep."""
    found: dict[str, Any] = {}
    for name, each in value.items():
        inner = each if isinstance(each, dict) else {}
        found |= {f"{name}.{key}": below for key, below in inner.items()} or {name: each}
    return found
