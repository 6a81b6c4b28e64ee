"""Files with flipped bits, cut off, or in other encodings: an error, or all their rows."""

import csv
import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from openpyxl import Workbook
from pyarrow import parquet

from plait.datasets.formats.saying import say
from plait.datasets.table import Table
from plait.errors import PlaitError
from plait.preparation.own_file import Columns, check_file
from plait.tasks import Row

FLIPS, CUTS, CHECKED = 40, 12, 2
ROWS = [
    {
        "text": f"Notiz {i}: “größer”, " + "schöne Wörter, " * (i % 5) + f'sagt "{i}"',
        "label": ["Frage", "Lob", "Beschwerde"][i % 3],
        "spans": '[[0, 5, "kind"]]',
    }
    for i in range(120)
]


def as_csv() -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([list(ROWS[0]), *(row.values() for row in ROWS)])
    return stream.getvalue().encode()


def as_tsv() -> bytes:
    return "\n".join(
        "\t".join(row) for row in [list(ROWS[0]), *(r.values() for r in PLAIN)]
    ).encode()


PLAIN = [{**row, "text": row["text"].replace('"', "'"), "spans": "[]"} for row in ROWS]


def as_lines() -> bytes:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS).encode()


def as_array() -> bytes:
    return json.dumps(ROWS, ensure_ascii=False, indent=1).encode()


def as_parquet() -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(ROWS), stream, row_group_size=50)
    return stream.getvalue()


def as_excel() -> bytes:
    book, stream = Workbook(), io.BytesIO()
    for line in [list(ROWS[0]), *(list(row.values()) for row in ROWS)]:
        book.worksheets[0].append(line)
    book.save(stream)
    return stream.getvalue()


def as_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", as_csv())
    return stream.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "rows.csv": as_csv,
    "rows.tsv": as_tsv,
    "rows.jsonl": as_lines,
    "rows.json": as_array,
    "rows.parquet": as_parquet,
    "rows.xlsx": as_excel,
    "rows.zip": as_zip,
    "rows.csv.gz": lambda: gzip.compress(as_csv(), mtime=0),
    "rows.jsonl.zst": lambda: zstandard.ZstdCompressor(write_checksum=True).compress(as_lines()),
}


def damaged(content: bytes, draw: random.Random) -> Iterator[bytes]:
    """Copies with one to three flipped bits, and beginnings of the file."""
    for _ in range(FLIPS):
        copy = bytearray(content)
        for _ in range(draw.randint(1, 3)):
            copy[draw.randrange(len(copy))] ^= 1 << draw.randrange(8)
        yield bytes(copy)
    for _ in range(CUTS):
        yield content[: draw.randrange(len(content))]


def held(name: str, content: bytes) -> int:
    """The rows that a file holds: lines, where rows are lines; else those that were written."""
    if name in ("rows.csv", "rows.tsv", "rows.jsonl"):
        lines = [line for line in content.splitlines() if line.strip()]
        return len(lines) - (name != "rows.jsonl")
    return len(ROWS)


def read(path: Path, **settings: Any) -> list[Row]:
    reader = Table.model_validate(
        {
            "files": [{"path": path.name, "split": "heldout"}],
            "labels": {"topic": "label"},
            "spans": {"slots": "spans"},
            **settings,
        }
    )
    return [row for _, row in reader.read(path.parent, 0)]


def outcome(path: Path) -> list[Row] | str:
    """The rows, or the message of the error."""
    try:
        return read(path)
    except PlaitError as error:
        return str(error)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", FILES)
def test_damage_is_an_error_or_costs_no_row(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """52 files of each format; none may raise anything but a `PlaitError`."""
    errors = 0
    for content in damaged(FILES[name](), random.Random(name)):
        say.cache_clear()
        (tmp_path / name).write_bytes(content)
        found = outcome(tmp_path / name)
        if isinstance(found, str):
            assert found.startswith(name)
            errors += 1
        else:
            told = "warning" in capsys.readouterr().err
            assert told or len(found) >= held(name, content), content
    assert errors > CUTS // 2


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl", "rows.json"])
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        *(("cp1252", b""), ("utf-16", b""), ("utf-16-le", b""), ("utf-16-be", b""), ("utf-7", b"")),
        *(("utf-32", b""), ("mac_roman", b""), ("gb18030", b""), ("cp1252", b"\xef\xbb\xbf")),
        ("utf-8", b"\xef\xbb\xbf\xef\xbb\xbf"),
    ],
)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "half"])
def test_other_encodings_are_an_error_or_cost_no_row(
    tmp_path: Path, name: str, encoding: str, mark: bytes, whole: bool
) -> None:
    text = FILES[name]().decode()
    half = 0 if whole else len(text) // 2
    content = mark + text[:half].encode() + text[half:].encode(encoding)
    (tmp_path / name).write_bytes(content)
    found = outcome(tmp_path / name)
    assert found.startswith(name) if isinstance(found, str) else len(found) == len(ROWS)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", FILES)
def test_damage_goes_through_the_checks(tmp_path: Path, name: str) -> None:
    for content in list(damaged(FILES[name](), random.Random(name)))[:CHECKED]:
        (tmp_path / name).write_bytes(content)
        with suppress(PlaitError):
            columns = Columns("text", ("label",), ("spans",))
            assert check_file(tmp_path / name, columns).results
