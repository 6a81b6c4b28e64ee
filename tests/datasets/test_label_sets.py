"""Several labels a row: from a list, a separated cell or a column a label; and in splits."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from plait.datasets.splits import rarest_labels
from plait.datasets.table import Table
from plait.errors import PlaitError
from plait.tasks import Label

HELDOUT = {"path": "rows.jsonl", "split": "heldout"}


def reader(found: dict[str, Any], **settings: Any) -> Table:
    return Table.model_validate({"files": [HELDOUT], "label_sets": {"topics": found}, **settings})


def labels(folder: Path, found: dict[str, Any], *cells: dict[str, Any]) -> list[Label]:
    lines = [json.dumps({"text": "t", **cell}) + "\n" for cell in cells]
    (folder / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    return [row.labels["topics"] for _, row in reader(found).read(folder, 0)]


def test_a_cell_with_a_separator(tmp_path: Path) -> None:
    found = labels(
        tmp_path,
        {"column": "tags", "separator": ";"},
        *({"tags": cell} for cell in ("b;a", " c ", "", None, [])),
        {"tags": ["z", "y"]},
    )
    assert found == [("a", "b"), ("c",), None, None, (), ("y", "z")]


def test_a_list_in_json_or_in_a_cell_of_csv(tmp_path: Path) -> None:
    found = labels(tmp_path, {"column": "tags"}, {"tags": ["b", "a"]}, {"tags": "[]"}, {"tags": ""})
    assert found == [("a", "b"), (), None]
    (tmp_path / "rows.csv").write_text('text,tags\nt,"[""b"", ""a;c""]"\n', encoding="utf-8")
    table = reader({"column": "tags"}, files=[{"path": "rows.csv", "split": "train"}])
    assert [row.labels["topics"] for _, row in table.read(tmp_path, 0)] == [("a;c", "b")]


@pytest.mark.parametrize(("yes", "no"), [(1, 0), ("1", "0"), (True, False), ("TRUE", "false")])
def test_a_column_a_label(tmp_path: Path, yes: Any, no: Any) -> None:
    found = labels(
        tmp_path,
        {"columns": ["b", "a"]},
        {"a": yes, "b": no},
        {"a": yes, "b": yes},
        {"a": no, "b": no},
        {"a": "", "b": None},
    )
    assert found == [("a",), ("a", "b"), (), None]


def test_pandas_writes_marks_as_decimals(tmp_path: Path) -> None:
    assert labels(tmp_path, {"columns": ["a", "b"]}, {"a": 1.0, "b": "0.0"}) == [("a",)]


@pytest.mark.parametrize("place", [{"column": "a"}, {"columns": ["a", "b"]}])
def test_an_empty_cell_may_mean_that_no_label_applies(
    tmp_path: Path, place: dict[str, Any]
) -> None:
    cells = {"a": "", "b": ""}
    assert labels(tmp_path, place, cells) == [None]
    assert labels(tmp_path, {**place, "empty": "no label"}, cells) == [()]


@pytest.mark.parametrize(
    ("place", "cells", "message"),
    [
        ({"column": "tags"}, {"tags": "a;b"}, r"found 'a;b', expected a JSON list .*`separator`"),
        ({"column": "tags"}, {"tags": ["a", 1]}, r"found \['a', 1\], expected a JSON list"),
        ({"column": "tags"}, {"tags": {"a": 1}}, "expected a JSON list"),
        ({"column": "tags"}, {"tags": ["a", " "]}, "label 2 of which is empty"),
        ({"column": "tags"}, {"tags": ["a", "a"]}, "found 'a' twice"),
        ({"column": "tags"}, {"tags": ["a\ud83d"]}, "label 1 holds half of a surrogate pair"),
        ({"column": "tags"}, {"tag": ["a"]}, "columns are text, tag, expected labels"),
        ({"column": "tags", "separator": ";"}, {"tags": "a;;b"}, "label 2 of which is empty"),
        ({"column": "tags", "separator": ";"}, {"tags": "a; a"}, "found 'a' twice"),
        ({"column": "tags", "separator": ";"}, {"tags": 3}, "found 3, expected a JSON list"),
        ({"columns": ["a", "b"]}, {"a": 1, "b": 2}, "column 'b': found 2, expected 1 where"),
        ({"columns": ["a", "b"]}, {"a": 1, "b": ""}, "column 'b': found '', expected 1 where"),
        ({"columns": ["a", "b"]}, {"a": 1}, "column 'b': columns are text, a, expected 0 or 1"),
    ],
)
def test_other_cells_are_refused_by_line_and_column(
    tmp_path: Path, place: dict[str, Any], cells: dict[str, Any], message: str
) -> None:
    with pytest.raises(PlaitError, match=rf"rows.jsonl, line 1: .*{message}"):
        labels(tmp_path, place, cells)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label_sets": {"t": {}}}, "expected either `column` or `columns`"),
        ({"label_sets": {"t": {"column": "a", "columns": ["b"]}}}, "expected either"),
        ({"label_sets": {"t": {"columns": ["b"], "separator": ";"}}}, "`separator` is about"),
        ({"label_sets": {"t": {"columns": ["b", "b"]}}}, "names a column twice"),
        ({"labels": {"t": "a"}, "label_sets": {"t": {"column": "b"}}}, "field 't' is named twice"),
        (
            {"labels": {"s": "a"}, "label_sets": {"t": {"column": "a"}}},
            "'a' is named by labels and",
        ),
        ({"text": "b", "label_sets": {"t": {"columns": ["a", "b"]}}}, "'b' is named by text and"),
    ],
)
def test_settings_that_contradict_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Table.model_validate({"files": [HELDOUT], **settings})


def test_the_rarest_label_of_a_row_decides_its_stratum() -> None:
    sets = {"1": ("a", "b"), "2": ("a",), "3": ("a", "c"), "4": (), "5": ("b", "c")}
    assert rarest_labels(sets) == {"1": "b", "2": "a", "3": "c", "5": "b"}


def test_rare_labels_are_in_every_split(tmp_path: Path) -> None:
    """By chance alone, one of ten rows with a rare label would be missing from dev now and then."""
    cells = [["common"] + (["rare"] if i % 20 == 0 else []) for i in range(400)]
    lines = [json.dumps({"text": f"t{i}", "tags": tags}) + "\n" for i, tags in enumerate(cells)]
    (tmp_path / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    table = reader({"column": "tags"}, files=[{"path": "rows.jsonl"}])
    for seed in range(5):
        rows = list(table.read(tmp_path, seed))
        rare = Counter(split for split, row in rows if row.labels["topics"] == ("common", "rare"))
        assert rare == {"train": 14, "dev": 2, "heldout": 4}


def test_labels_are_mapped_and_normalised_as_single_ones_are(tmp_path: Path) -> None:
    cells = [["Late ", "LATE", "junk"], ["junk"], None, ["rude"]]
    lines = [json.dumps({"text": "t", "tags": cell}) for cell in cells]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    table = reader(
        {"column": "tags"},
        normalise_labels=True,
        label_map={"topics": {"junk": None, "late": "delay"}},
    )
    found = [row.labels["topics"] for _, row in table.read(tmp_path, 0)]
    assert found == [("delay",), (), None, ("rude",)]


def test_columns_are_mapped_to_labels(tmp_path: Path) -> None:
    row = {"text": "t", "A": 1, "B": 1, "C": 0}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row), encoding="utf-8")
    table = reader({"columns": ["A", "B", "C"]}, label_map={"topics": {"A": "z", "B": "y"}})
    assert [row.labels["topics"] for _, row in table.read(tmp_path, 0)] == [("y", "z")]
