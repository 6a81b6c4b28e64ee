"""The section that `inspect` suggests reads the file, whatever its form: as a run would."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
import zstandard
from openpyxl import Workbook
from pyarrow import parquet

from mine import tickets
from plait.datasets.inspecting.suggesting import Choice, Found, inspect
from plait.datasets.table import Table
from plait.errors import PlaitError
from plait.preparation.trial import try_out

ROWS = tickets(90)


def text(mark: str = ",", rows: list[dict[str, Any]] = ROWS, header: bool = True) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=mark)
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def xlsx(path: Path) -> None:
    book = Workbook()
    for cells in (list(ROWS[0]), *(list(row.values()) for row in ROWS)):
        book.active.append(cells)
    book.save(path)


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inside.csv", text())


def shards(path: Path) -> None:
    folder = path if path.suffix == "" else path.parent
    folder.mkdir(exist_ok=True)
    for index in range(3):
        part = pyarrow.Table.from_pylist(ROWS[index::3])
        parquet.write_table(part, folder / f"part-{index}.parquet")


def lines() -> str:
    return "\n".join(map(json.dumps, ROWS))


def blanks() -> str:
    cells = [
        [row["number"], json.dumps(row["body"], ensure_ascii=False), row["team"]] for row in ROWS
    ]
    return "\n".join(", ".join(row) for row in [["number", "body", "team"], *cells])


def of(content: Callable[[], str], code: str = "utf-8") -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content().encode(code))


FORMS: dict[str, tuple[str, Callable[[Path], object], dict[str, Any]]] = {
    "excel": ("a.xlsx", xlsx, {}),
    "gzip": ("a.csv.gz", lambda path: path.write_bytes(gzip.compress(text().encode())), {}),
    "zstandard": (
        "a.csv.zst",
        lambda path: path.write_bytes(zstandard.compress(text().encode())),
        {},
    ),
    "zip": ("a.zip", zipped, {}),
    "ndjson": ("a.ndjson", of(lines), {}),
    "array": ("a.json", of(lambda: json.dumps(ROWS)), {}),
    "array in gzip": (
        "a.json.gz",
        lambda p: p.write_bytes(gzip.compress(json.dumps(ROWS).encode())),
        {},
    ),
    "folder": ("shards", shards, {}),
    "pattern": ("part-*.parquet", shards, {}),
    "utf-16": ("a.csv", of(text, "utf-16"), {}),
    "utf-16 without a mark": ("a.csv", of(text, "utf-16-le"), {"encoding": "utf-16-le"}),
    "utf-16 in json": ("a.jsonl", of(lines, "utf-16"), {}),
    "cp1252": ("a.csv", of(text, "cp1252"), {"encoding": "cp1252"}),
    "semicolons": ("a.csv", of(lambda: text(";")), {"delimiter": ";"}),
    "bars": ("a.csv", of(lambda: text("|")), {"delimiter": "|"}),
    "tabs": ("a.tsv", of(lambda: text("\t")), {}),
    "tabs in csv": ("a.csv", of(lambda: text("\t")), {"delimiter": "\t"}),
    "said": ("a.csv", of(lambda: "sep=;\r\n" + text(";")), {}),
    "blanks": ("a.csv", of(blanks), {"delimiter": ", "}),
    "capitals": ("A.CSV", of(text), {}),
}


def look(path: Path) -> Found:
    return inspect([path], Choice(), lambda names: {name: name for name in names})


def rows_of(found: Found) -> list[dict[str, Any]]:
    """The rows that a run prepares, after the checks of `plait data inspect`."""
    tasks = {name: {"dataset": "d", "kind": k, "field": name} for name, k in found.kinds.items()}
    report = try_out({"datasets": {"d": dict(found.settings)}, "tasks": tasks}, "a test")
    assert report.verdict == "passed", report
    return [dict(row) for each in found.opened for row in each.rows()]


@pytest.mark.parametrize("form", FORMS)
def test_a_form(tmp_path: Path, form: str) -> None:
    name, write, layout = FORMS[form]
    write(tmp_path / name)
    found = look(tmp_path / name)
    assert found.opened[0].layout == layout
    assert found.settings["labels"] == {"team": "team"}
    assert sorted(row["body"] for row in rows_of(found)) == sorted(row["body"] for row in ROWS)
    assert found.rows == len(ROWS)


def test_no_header(tmp_path: Path) -> None:
    rows = [{"team": row["team"], "body": row["body"]} for row in ROWS]
    (tmp_path / "a.csv").write_text(text(rows=rows, header=False), encoding="utf-8")
    found = look(tmp_path / "a.csv")
    assert found.opened[0].layout == {"header": False, "columns": ["label", "text"]}
    assert len(rows_of(found)) == len(ROWS)


def test_a_table_must_be_named_like_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(text(), encoding="utf-8")
    with pytest.raises(PlaitError, match=r"a\.txt: found no export .* ends with none of \.csv"):
        look(tmp_path / "a.txt")


def test_files_of_a_folder_are_alike(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text(), encoding="utf-8")
    (tmp_path / "b.csv").write_text(text(";"), encoding="utf-8")
    with pytest.raises(PlaitError, match=r"b\.csv: found CSV, semicolons .* as in .*a\.csv"):
        look(tmp_path)


SETS = [["late", "urgent"], ["late"], ["rude"], ["rude", "urgent"], ["late", "rude"]]
NAMES = ("late", "rude", "urgent")


def several(how: Callable[[list[str]], dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"body": row["body"], **how(SETS[i % 5])} for i, row in enumerate(ROWS)]


def one_hot(names: list[str]) -> dict[str, Any]:
    return {name: int(name in names) for name in NAMES}


SEVERAL: dict[str, tuple[str, list[dict[str, Any]], dict[str, Any]]] = {
    "lists": ("jsonl", several(lambda names: {"tags": names}), {"tags": {"column": "tags"}}),
    "lists in cells": (
        "csv",
        several(lambda names: {"tags": json.dumps(names)}),
        {"tags": {"column": "tags"}},
    ),
    "lists of one": (
        "jsonl",
        several(lambda names: {"topics": names[:1]}),
        {"topics": {"column": "topics"}},
    ),
    "semicolons": (
        "csv",
        several(lambda names: {"why": "; ".join(names)}),
        {"why": {"column": "why", "separator": ";"}},
    ),
    "commas": (
        "csv",
        several(lambda names: {"why": ",".join(names)}),
        {"why": {"column": "why", "separator": ","}},
    ),
    "one-hot": ("csv", several(one_hot), {"labels": {"columns": list(NAMES)}}),
    "one-hot in json": ("jsonl", several(one_hot), {"labels": {"columns": list(NAMES)}}),
}


@pytest.mark.parametrize("form", SEVERAL)
def test_several_labels_a_row(tmp_path: Path, form: str) -> None:
    suffix, rows, expected = SEVERAL[form]
    path = tmp_path / f"a.{suffix}"
    content = text(rows=rows) if suffix == "csv" else "\n".join(map(json.dumps, rows))
    path.write_text(content, encoding="utf-8")
    found = look(path)
    assert found.settings["label_sets"] == expected
    assert "labels" not in found.settings
    assert found.kinds == dict.fromkeys(expected, "multilabel")
    settings = {**found.settings, "files": [{"path": path.name}]}
    read = {row.text: row.labels for _, row in Table.model_validate(settings).read(tmp_path, 0)}
    wanted = (lambda names: names[:1]) if form == "lists of one" else (lambda names: names)
    assert [read[row["body"]][next(iter(expected))] for row in rows] == [
        tuple(wanted(SETS[i % 5])) for i in range(len(rows))
    ]
    assert len(rows_of(found)) == len(ROWS)


@pytest.mark.parametrize("cell", ["Ulm, DE", "a b; c"])
def test_a_label_with_a_separator_in_it_is_one_label(tmp_path: Path, cell: str) -> None:
    rows = [{"body": row["body"], "team": (cell, "Bonn")[i % 2]} for i, row in enumerate(ROWS)]
    (tmp_path / "a.csv").write_text(text(rows=rows), encoding="utf-8")
    found = look(tmp_path / "a.csv")
    assert found.settings["labels"] == {"team": "team"}


def test_one_column_of_0_and_1_is_a_label(tmp_path: Path) -> None:
    rows = [{"body": row["body"], "spam": i % 2} for i, row in enumerate(ROWS)]
    (tmp_path / "a.csv").write_text(text(rows=rows), encoding="utf-8")
    assert look(tmp_path / "a.csv").kinds == {"spam": "classification"}


def unclosed(rows: list[dict[str, str]], mark: str = ",") -> str:
    """Every ninth text begins with a quote that is a character of it, as of `"5 stars`."""
    texts = [
        f'"{row["body"]}' if n % 9 == 3 else f'"big" {row["body"]}' if n % 9 == 5 else row["body"]
        for n, row in enumerate(rows)
    ]
    lines = [
        mark.join((row["number"], text.replace(mark, ""), row["team"]))
        for row, text in zip(rows, texts, strict=True)
    ]
    return "\n".join([mark.join(rows[0]), *lines, ""])


@pytest.mark.parametrize(
    ("name", "mark", "layout"),
    [("a.csv", ",", {}), ("a.tsv", "\t", {}), ("a.csv", ";", {"delimiter": ";"})],
)
def test_quotes_that_are_characters(
    tmp_path: Path, name: str, mark: str, layout: dict[str, str]
) -> None:
    (tmp_path / name).write_text(unclosed(ROWS, mark), encoding="utf-8")
    found = look(tmp_path / name)
    assert found.opened[0].layout == {**layout, "quoting": "none"}
    assert found.settings["quoting"] == "none"
    assert found.opened[0].format.endswith("quotes are characters of the cells")
    rows = rows_of(found)
    assert len(rows) == 90
    assert rows[3]["body"].startswith('"My ')
    assert rows[5]["body"].startswith('"big" My ')


def test_inches_need_no_setting(tmp_path: Path) -> None:
    rows = [{**row, "body": f'a 5" pipe: {row["body"]}'.replace(",", "")} for row in ROWS]
    content = "\n".join(",".join(row.values()) for row in [dict.fromkeys(rows[0]), *rows][1:])
    (tmp_path / "a.csv").write_text(f"number,body,team\n{content}\n", encoding="utf-8")
    found = look(tmp_path / "a.csv")
    assert found.opened[0].layout == {}
    assert rows_of(found)[0]["body"].startswith('a 5" pipe: My ')


def test_one_damaged_row_of_quoted_cells_is_an_error(tmp_path: Path) -> None:
    lines = [f'"{row["number"]}","{row["body"].replace(",", "")}","{row["team"]}"' for row in ROWS]
    lines[40] = lines[40].replace("My ", 'My "own ')
    (tmp_path / "a.csv").write_text("number,body,team\n" + "\n".join(lines), encoding="utf-8")
    with pytest.raises(PlaitError, match=r"a\.csv, line 42: not valid CSV"):
        look(tmp_path / "a.csv")


def workbook(path: Path, **sheets: list[list[str]]) -> None:
    book = Workbook()
    book.remove(book.active)
    for name, cells in sheets.items():
        sheet = book.create_sheet(name)
        for line in cells:
            sheet.append(line)
    book.save(path)


def test_the_sheet_with_most_rows_is_named(tmp_path: Path) -> None:
    table = [list(ROWS[0]), *(list(row.values()) for row in ROWS)]
    workbook(tmp_path / "a.xlsx", Notes=[["made by us"]], Tickets=table, Empty=[])
    found = look(tmp_path / "a.xlsx")
    assert found.settings["sheet"] == "Tickets"
    assert found.opened[0].format == (
        "Excel, sheet 'Tickets'; the sheets that hold something are 'Notes' (1 rows), "
        "'Tickets' (91 rows)"
    )
    assert len(rows_of(found)) == 90
    workbook(tmp_path / "b.xlsx", Empty=[], Tickets=table)
    assert look(tmp_path / "b.xlsx").settings["sheet"] == "Tickets"
    workbook(tmp_path / "c.xlsx", Tickets=table, Empty=[])
    assert "sheet" not in look(tmp_path / "c.xlsx").settings
