"""Any rows, written in any format by the libraries that people use, are read back unchanged."""

import csv
import gzip
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from pyarrow import parquet

from plait.datasets.table import Table
from plait.tasks import Row, Span

PIECES = (
    *("\r\n", "\n", "\r", '"', '""', ",", ";", "\t", "|", "'", "\\", " ", "a", "word", "sep=;"),
    *(
        "\U0001f600",
        "\U0001f469\u200d\U0001f4bb",
        "e\u0301",
        "é",
        "שלום",
        "مرحبا",
        "\u202e",
        "今日",
    ),
    *("\u2028", "\x85", "\x0b", "\ufeff", "\0", "{", "[", "null", "NaN", "#N/A", "\u200b"),
)
"""What breaks readers: line ends, quotes, delimiters, emoji, combining marks, right-to-left."""
Texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(
    st.characters(exclude_categories=("Cs",))
)
Names = st.sampled_from(("billing", "שלום", "e\u0301", 'a "b"', "x,y", "\U0001f600"))


@dataclass(frozen=True)
class Format:
    """A writer of lists of cells, and the settings with which they are read."""

    name: str
    write: Callable[[Path, list[dict[str, Any]]], None]
    settings: dict[str, Any]


@st.composite
def drawn(draw: st.DrawFn) -> list[Row]:
    rows = []
    for number in range(draw(st.integers(1, 6))):
        text = draw(Texts)
        cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=4)))
        spans = tuple(
            Span(start, end, draw(Names)) for start, end in zip(cuts[::2], cuts[1::2], strict=False)
        )
        # A cell of nothing but blanks is no label.
        rows.append(Row(f"n{number}", text, {"topic": draw(Names), "slots": spans}))
    return rows


def plain(row: Row) -> dict[str, Any]:
    spans = [[s.start, s.end, s.label] for s in row.labels["slots"] or () if isinstance(s, Span)]
    return {"id": row.id, "text": row.text, "label": row.labels["topic"], "spans": spans}


def cells(row: dict[str, Any]) -> list[str]:
    return [row["id"], row["text"], row["label"], json.dumps(row["spans"], ensure_ascii=False)]


def delimited(**dialect: Any) -> Callable[[Path, list[dict[str, Any]]], None]:
    def write(path: Path, rows: list[dict[str, Any]]) -> None:
        with path.open("w", newline="", encoding=dialect.get("encoding", "utf-8")) as stream:
            # Python quotes no CR if rows end with LF, and no LF if they end with CR.
            options = {"quoting": csv.QUOTE_NONNUMERIC, **dialect}
            options.pop("encoding", None)
            csv.writer(stream, **options).writerows([list(rows[0]), *map(cells, rows)])

    return write


def json_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def json_array(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8", newline="")


def packed(path: Path, rows: list[dict[str, Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8", newline="\r\n") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def columns(path: Path, rows: list[dict[str, Any]]) -> None:
    """Spans as JSON: Parquet has no list of mixed types."""
    values = [{**row, "spans": json.dumps(row["spans"])} for row in rows]
    parquet.write_table(pa.Table.from_pylist(values), path)


FORMATS = (
    Format("comma.csv", delimited(), {}),
    Format(
        "semicolon.csv", delimited(delimiter=";", quoting=csv.QUOTE_MINIMAL), {"delimiter": ";"}
    ),
    Format("tab.tsv", delimited(delimiter="\t", lineterminator="\n"), {}),
    Format("mac.csv", delimited(delimiter="|", lineterminator="\r"), {"delimiter": "|"}),
    Format("excel.csv", delimited(delimiter="\t", encoding="utf-16"), {"delimiter": "\t"}),
    Format("mark.csv", delimited(encoding="utf-8-sig"), {}),
    Format("lines.jsonl", json_lines, {}),
    Format("array.json", json_array, {}),
    Format("packed.ndjson.gz", packed, {}),
    Format("columns.parquet", columns, {}),
)


def read(path: Path, **more: Any) -> list[Row]:
    reader = Table.model_validate(
        {
            "files": [{"path": path.name, "split": "heldout"}],
            "id": "id",
            "labels": {"topic": "label"},
            "spans": {"slots": "spans"},
            **more,
        }
    )
    return [row for _, row in reader.read(path.parent, 0)]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@settings(deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(rows=drawn())
def test_rows_and_spans_are_read_back(form: Format, rows: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, form.name)
        form.write(path, list(map(plain, rows)))
        assert read(path, **form.settings) == rows


def test_excel_keeps_texts_and_spans(tmp_path: Path) -> None:
    """Excel has no control characters and ends lines in a cell with LF."""
    texts = ['"a"; b', "e\u0301 \U0001f600", "שלום مرحبا", "two\nlines", " blank ", "1.50", "=1+1"]
    rows = [
        Row(f"n{i}", text, {"topic": "x", "slots": (Span(0, 1, "y"),)})
        for i, text in enumerate(texts)
    ]
    book = Workbook()
    sheet = book.worksheets[0]
    for line in [list(plain(rows[0])), *(cells(plain(row)) for row in rows)]:
        sheet.append(line)
        for cell in sheet[sheet.max_row]:
            cell.data_type = "s"  # a text, even if it looks like a formula
    book.save(tmp_path / "rows.xlsx")
    assert read(tmp_path / "rows.xlsx") == rows
