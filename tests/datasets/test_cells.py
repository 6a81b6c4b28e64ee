"""Cells of a table: nested fields, joined texts, JSON's numbers and words."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from plait.datasets.table import Table
from plait.errors import PlaitError
from plait.tasks import Row, Span


def read(folder: Path, values: list[dict[str, Any]], **settings: Any) -> list[Row]:
    lines = (json.dumps(value) + "\n" for value in values)
    (folder / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    files = [{"path": "rows.jsonl", "split": "heldout"}]
    reader = Table.model_validate({"files": files, "labels": {"topic": "label"}, **settings})
    return [row for _, row in reader.read(folder, 0)]


@pytest.mark.parametrize(
    ("written", "label"),
    [
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (0.0, "0.0"),
        (-1.5, "-1.5"),
        (float("nan"), None),
        (None, None),
        ("True", "True"),
    ],
)
def test_labels_are_written_as_json_writes_them(
    tmp_path: Path, written: Any, label: str | None
) -> None:
    (row,) = read(tmp_path, [{"text": "hi", "label": written}])
    assert row.labels["topic"] == label


def test_numbers_are_ids(tmp_path: Path) -> None:
    values = [{"n": n, "text": "hi", "label": "x"} for n in (7, "8", 9)]
    assert [row.id for row in read(tmp_path, values, id="n")] == ["7", "8", "9"]


def test_a_text_that_is_null_has_a_remedy(tmp_path: Path) -> None:
    message = r"rows.jsonl, line 1: column 'text': found null, expected a string. Write it, or rem"
    with pytest.raises(PlaitError, match=message):
        read(tmp_path, [{"text": None, "label": "x"}])


def test_fields_inside_others(tmp_path: Path) -> None:
    value = {
        "data": {"text": "call Ann", "meta.id": "n1"},
        "annotations": [{"label": "x", "spans": [[5, 8, "who"]]}],
        "meta.split": "test",
    }
    (row,) = read(
        tmp_path,
        [value],
        text="data.text",
        labels={"topic": "annotations.0.label"},
        spans={"slots": "annotations.0.spans"},
    )
    assert row == Row("rows-000001", "call Ann", {"topic": "x", "slots": (Span(5, 8, "who"),)})
    with pytest.raises(PlaitError, match=r"column 'data.body': columns are 'data', 'annotations'"):
        read(tmp_path, [value], text="data.body", labels={"topic": "annotations.0.label"})
    with pytest.raises(PlaitError, match=r"column 'annotations.1.label'"):
        read(tmp_path, [value], text="data.text", labels={"topic": "annotations.1.label"})


def test_a_column_with_a_dot_comes_first(tmp_path: Path) -> None:
    value = {"data": {"text": "inner"}, "data.text": "outer", "label": "x"}
    assert read(tmp_path, [value], text="data.text")[0].text == "outer"


def test_several_columns_make_a_text(tmp_path: Path) -> None:
    values: list[dict[str, Any]] = [
        {"title": "Help", "in": {"body": "It {broke}."}, "label": "x"},
        {"title": None, "in": {"body": "Again"}, "label": "x"},
    ]
    found = read(tmp_path, values, text="{title}\n{in.body}")
    assert [row.text for row in found] == ["Help\nIt {broke}.", "\nAgain"]
    with pytest.raises(PlaitError, match="line 1: column 'titel': columns are 'title', 'in', "):
        read(tmp_path, values, text="{titel} {in.body}")
    with pytest.raises(PlaitError, match=r"line 1: column 'in': found {'body'"):
        read(tmp_path, values, text="{in}")


def test_a_label_is_no_part_of_the_text() -> None:
    with pytest.raises(ValidationError, match="column 'label' is named by text and labels; name"):
        Table.model_validate(
            {"files": [{"path": "a.csv"}], "text": "{title} {label}", "labels": {"topic": "label"}}
        )


def test_a_template_needs_its_columns_in_the_header(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("title,Body,label\na,b,x\n", encoding="utf-8")
    reader = Table.model_validate(
        {"files": [{"path": "rows.csv"}], "text": "{title} {body}", "labels": {"topic": "label"}}
    )
    with pytest.raises(PlaitError, match=r"line 1: column 'body': .*Did you mean 'Body'"):
        list(reader.read(tmp_path, 0))
