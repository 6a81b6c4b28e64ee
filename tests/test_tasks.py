"""Rows as JSON: one label, several, spans or nothing, and back."""

from pathlib import Path

from plait.tasks import Row, Span, label_names, read_rows, row_to_json, write_rows


def test_a_row_comes_back_with_every_kind_of_label(tmp_path: Path) -> None:
    rows = [
        Row("1", "a", {"one": "x", "many": ("x", "y"), "spans": (Span(0, 1, "x"),)}),
        Row("2", "b", {"one": None, "many": (), "spans": ()}),
        Row("3", "c", {"one": None, "many": None, "spans": None}),
    ]
    write_rows(tmp_path / "rows.jsonl", rows)
    assert read_rows(tmp_path / "rows.jsonl") == rows
    assert row_to_json(rows[0])["labels"] == {
        "one": "x", "many": ["x", "y"], "spans": [[0, 1, "x"]],
    }  # fmt: skip
    assert row_to_json(rows[1])["labels"] == {"one": None, "many": [], "spans": []}


def test_names_of_every_kind_of_label() -> None:
    assert label_names("x") == ["x"]
    assert label_names(("x", "y")) == ["x", "y"]
    assert label_names((Span(3, 4, "b"), Span(0, 1, "a"))) == ["a", "b"]
    assert label_names(()) == label_names(None) == []
