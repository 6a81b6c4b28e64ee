"""Excel workbooks, written by openpyxl."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from formats import numbers, rows, written
from plait.datasets.formats.saying import say
from plait.datasets.table_files import records
from plait.errors import PlaitError

NOTES = [
    ["text", "label"],
    ['Zeile eins\nzwei, "drei"; \U0001f600', 1],
    [None, None],
    [2024, True],
    [datetime.date(2024, 5, 6), 0.5],
]


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    book.save(path)
    return path


def test_cells_are_text(tmp_path: Path) -> None:
    path = workbook(tmp_path / "notes.xlsx", notes=NOTES)
    assert rows(path) == [
        {"text": 'Zeile eins\nzwei, "drei"; \U0001f600', "label": "1"},
        {"text": "2024", "label": "true"},
        {"text": "2024-05-06", "label": "0.5"},
    ]
    assert numbers(path) == [2, 4, 5], "as Excel numbers its rows"


def test_the_first_sheet_or_a_named_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    say.cache_clear()
    path = workbook(tmp_path / "notes.xlsx", first=[["text"], ["a"]], second=[["text"], ["b"]])
    assert rows(path, sheet="second") == [{"text": "b"}]
    assert capsys.readouterr().err == ""
    assert rows(path) == [{"text": "a"}]
    assert "only the first of 2 sheets, 'first', is read" in capsys.readouterr().err
    with pytest.raises(PlaitError, match="no sheet 'third'; its sheets are 'first', 'second'"):
        rows(path, sheet="third")


def test_a_table_that_begins_lower_has_the_rows_of_excel(tmp_path: Path) -> None:
    path = workbook(tmp_path / "notes.xlsx", notes=[[], [], [None, "text"], [None, "a"]])
    assert rows(path) == [{"text": "a"}]
    assert numbers(path) == [4]


def test_sheets_without_a_header(tmp_path: Path) -> None:
    path = workbook(tmp_path / "notes.xlsx", notes=[["a", "x"], ["b", None]])
    found = rows(path, header=False, columns=["text", "label"])
    assert found == [{"text": "a", "label": "x"}, {"text": "b", "label": ""}]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "sheet 'notes' is empty; expected a header row"),
        ([["text", None], ["a", "x"]], "row 2: a cell holds 'x', but its column has no name"),
        ([["text"], ["a", "x"]], "row 2: a cell holds 'x', but its column has no name"),
        ([["text", "text"], ["a", "x"]], "row 1: column 'text' occurs twice"),
        ([["body"], ["a"]], "row 1: column 'text': columns are 'body'"),
    ],
)
def test_faults_are_named(tmp_path: Path, lines: list[list[Any]], message: str) -> None:
    path = workbook(tmp_path / "notes.xlsx", notes=lines)
    with pytest.raises(PlaitError, match=message):
        list(records(path, wanted=("text",)))


@pytest.mark.parametrize("content", [b"", b"text,label\na,x\n", b"PK\x03\x04 and no more"])
def test_what_is_no_workbook_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(PlaitError, match=r"notes.xlsx: not a readable Excel workbook"):
        rows(written(tmp_path, content, "notes.xlsx"))
