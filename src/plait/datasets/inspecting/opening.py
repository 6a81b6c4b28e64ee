"""Open files whose format nobody has named: the format, the settings to read them, their rows."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from plait.datasets.annotations import formats
from plait.datasets.annotations.shapes import Wanted
from plait.datasets.formats.decoding import needed_encoding, open_text
from plait.datasets.formats.delimited import FIELD_LIMIT, SEPARATOR
from plait.datasets.formats.layout import Layout
from plait.datasets.formats.opening import RawFile, content_suffix, open_bytes
from plait.datasets.table_files import FORMATS, records
from plait.errors import PlaitError
from plait.sources.local import found_files

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_USUAL = {".csv": ",", ".tsv": "\t"}
_BINARY = {".parquet": "Parquet", ".xlsx": "Excel"}
_LINES = 100
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Opened:
    """Files that can be read in one way.

    Attributes:
        path: a file, a folder or a pattern.
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
        for file in found_files(str(self.path)).values():
            if self.reader == "annotations":
                found = formats.read(file, self.layout["format"], Wanted())
            else:
                found = records(file, Layout(**self.layout))
            yield from (_flat(value) for _, value in found)


def open_file(path: Path) -> Opened:
    """Find out what a file is, or what the files of a folder or a pattern are.

    Raises:
        PlaitError: there is no such file, one is empty or has none of the known formats, or the
            formats differ.
    """
    opened = [_open(file) for file in found_files(str(path)).values()]
    check_alike(opened)
    return replace(opened[0], path=path)


def check_alike(opened: Sequence[Opened]) -> None:
    """Check that one section of params.yaml reads all of the files.

    Raises:
        PlaitError: formats or layouts differ; names the first such file.
    """
    first, *others = opened
    for each in others:
        if (each.reader, each.layout) != (first.reader, first.layout):
            raise PlaitError(
                f"{each.path}: found {each.format}, expected {first.format} as in {first.path}. "
                "Add files of different formats as data sets of their own."
            )


def _open(path: Path) -> Opened:
    file = RawFile(path, path)
    with open_bytes(file) as stream:
        if not stream.read(_BLOCK).strip():
            raise PlaitError(f"{path}: is empty; expected rows.")
    suffix = content_suffix(file)
    encoding = None if suffix in _BINARY else needed_encoding(file)
    if encoding is None and suffix != ".xlsx" and (name := formats.detect(path)):
        return Opened(path, f"annotations ({name})", "annotations", {"format": name})
    if suffix not in FORMATS:
        raise PlaitError(
            f"{path}: found no export of {', '.join(formats.NAMES)}, and its name ends with none "
            f"of {', '.join(FORMATS)}. Rename or convert it."
        )
    layout = {"encoding": encoding} if encoding else {}
    if suffix in _USUAL:
        return _open_delimited(path, _USUAL[suffix], layout)
    return Opened(path, _BINARY.get(suffix) or _json(path, layout), "table", layout)


def _json(path: Path, layout: Mapping[str, Any]) -> str:
    with open_text(RawFile(path, path, Layout(**layout))) as text:
        return "JSON array" if text.read(_BLOCK).lstrip().startswith("[") else "JSONL"


def _open_delimited(path: Path, usual: str, layout: dict[str, Any]) -> Opened:
    with open_text(RawFile(path, path, Layout(**layout))) as lines:
        head = list(islice(lines, _LINES))
    declared = SEPARATOR.fullmatch(head[0])
    mark = declared[1] if declared else _delimiter(head)
    rows = _cells(head[1:] if declared else head, mark) if mark else []
    if not rows:
        raise PlaitError(
            f"{path}: found neither records nor columns in its first lines, expected CSV, JSON, "
            f"Parquet, Excel or an export of {', '.join(formats.NAMES)}. Write one text a line, "
            "with its label in a second column."
        )
    # Blanks behind delimiters are no part of the cells, if there are such blanks everywhere.
    blank = " " if all(cell[:1] == " " for row in rows for cell in row[1:]) else ""
    words = f"CSV, {_DELIMITERS.get(mark, mark)}s between cells, {layout.get('encoding', 'UTF-8')}"
    if mark + blank != (mark if declared else usual):
        layout["delimiter"] = mark + blank
    if not _has_header(rows):
        layout |= {"header": False, "columns": _made_up(rows)}
    return Opened(path, words, "table", layout)


def _cells(head: Sequence[str], mark: str) -> list[list[str]]:
    csv.field_size_limit(FIELD_LIMIT)
    return [row for row in csv.reader(head, delimiter=mark) if row]


def _delimiter(head: Sequence[str]) -> str:
    """The mark that cuts most lines into the same number of cells, two at least; or none."""
    best: tuple[float, int, str] = (0, 0, "")
    for mark in _DELIMITERS:
        widths = Counter(map(len, _cells(head, mark)))
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        if width > 1 and (count / widths.total(), width) > best[:2]:
            best = count / widths.total(), width, mark
    return best[2]


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: none of its cells is a value that others repeat."""
    first, *others = rows
    repeated = Counter(cell for row in others for cell in row)
    return not any(cell.strip() and repeated[cell] > 1 for cell in first)


def _made_up(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names for columns without a header: the longest is the text, the first other the label."""
    width = len(rows[0])
    whole = [row for row in rows if len(row) == width]
    lengths = [sum(len(row[index]) for row in whole) for index in range(width)]
    text = lengths.index(max(lengths))
    others = [index for index in range(width) if index != text]
    names = {text: "text", others[0]: "label"}
    return [names.get(index, f"column_{index + 1}") for index in range(width)]


def _flat(value: Mapping[str, Any]) -> dict[str, Any]:
    """Fields inside fields as `outer.inner`, as settings name them, two levels deep."""
    found: dict[str, Any] = {}
    for name, each in value.items():
        inner = each if isinstance(each, dict) else {}
        found |= {f"{name}.{key}": below for key, below in inner.items()} or {name: each}
    return found
