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
from plait.datasets.formats.excel import sheets
from plait.datasets.formats.layout import Layout
from plait.datasets.formats.opening import RawFile, content_suffix, open_bytes
from plait.datasets.hub_card import CARD, name_classes, without_about
from plait.datasets.table_files import FORMATS, outside_names, records
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
        card = found_files(str(self.path)).get(CARD)
        for file in _data_files(self.path):
            classes = outside_names(RawFile(file, file), card)
            if self.reader == "annotations":
                raw = RawFile(file, file, Layout(encoding=self.layout.get("encoding")))
                found = formats.read(raw, self.layout["format"], Wanted(classes=classes))
            else:
                found = records(file, Layout(**self.layout))
            for number, value in found:
                if self.reader == "table":
                    name_classes(value, classes, f"{file}, row {number}")
                yield _flat(value)


def open_file(path: Path, quotes: bool = True) -> Opened:
    """Find out what a file is, or what the files of a folder or a pattern are.

    Args:
        quotes: whether quotes enclose cells of CSV files, rather than being characters of them.

    Raises:
        PlaitError: there is no such file, one is empty or has none of the known formats, or the
            formats differ.
    """
    opened = [_open(file, quotes) for file in _data_files(path)]
    check_alike(opened)
    return replace(opened[0], path=path)


def _data_files(path: Path) -> list[Path]:
    found = without_about(found_files(str(path)))
    if not found:
        raise PlaitError(f"{path}: found no file but {CARD}, expected files of rows.")
    return list(found.values())


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


def _open(path: Path, quotes: bool) -> Opened:
    file = RawFile(path, path)
    with open_bytes(file) as stream:
        if not stream.read(_BLOCK).strip():
            raise PlaitError(f"{path}: is empty; expected rows.")
    suffix = content_suffix(file)
    encoding = None if suffix in _BINARY else needed_encoding(file)
    layout = {"encoding": encoding} if encoding else {}
    file = replace(file, layout=Layout(encoding=encoding))
    if suffix != ".xlsx" and (name := formats.detect(file)):
        words = f"annotations ({name})"
        return Opened(path, words, "annotations", {"format": name, **layout})
    if suffix not in FORMATS:
        raise PlaitError(
            f"{path}: found no export of {', '.join(formats.NAMES)}, and its name ends with none "
            f"of {', '.join(FORMATS)}. Rename or convert it."
        )
    if suffix in _USUAL:
        quoting = {} if quotes else {"quoting": "none"}
        return _open_delimited(path, _USUAL[suffix], {**layout, **quoting})
    if suffix == ".xlsx":
        return _open_workbook(file)
    return Opened(path, _BINARY.get(suffix) or _json(path, layout), "table", layout)


def _open_workbook(file: RawFile) -> Opened:
    """The sheet with most rows; it is named unless only the first sheet has rows."""
    heights = sheets(file)
    filled = {name: height for name, height in heights.items() if height}
    if filled.keys() <= {next(iter(heights))}:
        return Opened(file.path, "Excel", "table")
    longest = max(filled, key=lambda name: filled[name])
    named = ", ".join(f"{name!r} ({height:,} rows)" for name, height in filled.items())
    words = f"Excel, sheet {longest!r}; the sheets that hold something are {named}"
    return Opened(file.path, words, "table", {"sheet": longest})


def without_quotes(opened: Opened) -> Opened | None:
    """The same CSV files read with quotes as characters, if they can be read so.

    None also where most cells that begin with a quote end with one: there, quotes enclose cells.
    """
    closed: Counter[bool] = Counter()
    try:
        again = open_file(opened.path, quotes=False)
        if "quoting" not in again.layout:
            return None
        for row in again.rows():
            begun = [cell for cell in row.values() if cell[:1] == '"']
            closed.update(len(cell) > 1 and cell.endswith('"') for cell in begun)
    except PlaitError:
        return None
    return again if closed[False] >= closed[True] else None


def _json(path: Path, layout: Mapping[str, Any]) -> str:
    with open_text(RawFile(path, path, Layout(**layout))) as text:
        return "JSON array" if text.read(_BLOCK).lstrip().startswith("[") else "JSONL"


def _open_delimited(path: Path, usual: str, layout: dict[str, Any]) -> Opened:
    with open_text(RawFile(path, path, Layout(**layout))) as lines:
        head = list(islice(lines, _LINES))
    quoting = csv.QUOTE_NONE if "quoting" in layout else csv.QUOTE_MINIMAL
    declared = SEPARATOR.fullmatch(head[0])
    mark = declared[1] if declared else _delimiter(head, quoting)
    rows = _cells(head[1:] if declared else head, mark, quoting) if mark else []
    if not rows:
        raise PlaitError(
            f"{path}: found neither records nor columns in its first lines, expected CSV, JSON, "
            f"Parquet, Excel or an export of {', '.join(formats.NAMES)}. Write one text a line, "
            "with its label in a second column."
        )
    # Blanks behind delimiters are no part of the cells, if there are such blanks everywhere.
    blank = " " if all(cell[:1] == " " for row in rows for cell in row[1:]) else ""
    words = f"CSV, {_DELIMITERS.get(mark, mark)}s between cells, {layout.get('encoding', 'UTF-8')}"
    words += ", quotes are characters of the cells" if "quoting" in layout else ""
    if mark + blank != (mark if declared else usual):
        layout["delimiter"] = mark + blank
    if not _has_header(rows):
        layout |= {"header": False, "columns": _made_up(rows)}
    return Opened(path, words, "table", layout)


def _cells(head: Sequence[str], mark: str, quoting: Any) -> list[list[str]]:
    csv.field_size_limit(FIELD_LIMIT)
    return [row for row in csv.reader(head, delimiter=mark, quoting=quoting) if row]


def _delimiter(head: Sequence[str], quoting: Any) -> str:
    """The mark that cuts most lines into the same number of cells, two at least; or none."""
    best: tuple[float, int, str] = (0, 0, "")
    for mark in _DELIMITERS:
        widths = Counter(map(len, _cells(head, mark, quoting)))
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
