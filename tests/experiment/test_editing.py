"""Entries written into params.yaml: comments stay, and nothing is half-written."""

from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest
import yaml

import projects
from plait.errors import PlaitError
from plait.experiment.editing import add, as_text
from plait.experiment.loading import load

DATASET = {"reader": "table", "files": [{"path": "a.csv", "split": "train"}], "labels": {"x": "x"}}
TASK = {"dataset": "mine", "kind": "classification", "field": "x"}
ADDED: dict[str, dict[str, Any]] = {"datasets": {"mine": DATASET}, "tasks": {"x": TASK}}


def example(folder: Path) -> Path:
    path = folder / "params.yaml"
    path.write_bytes((projects.REPOSITORY / "experiments/default.yaml").read_bytes())
    return path


def test_only_the_new_lines_are_added(tmp_path: Path) -> None:
    path = example(tmp_path)
    before = path.read_text(encoding="utf-8").splitlines()
    add(path, ADDED)
    after = path.read_text(encoding="utf-8").splitlines()
    changes = [line for line in ndiff(before, after) if not line.startswith("  ")]
    assert changes == [
        "+   mine:",
        "+     reader: table",
        "+     files:",
        "+       - {path: a.csv, split: train}",
        "+     labels: {x: x}",
        "+   x: {dataset: mine, kind: classification, field: x}",
    ], "every other line, comments among them, is as it was"
    assert load(path).tasks["x"].dataset == "mine"


def test_empty_sections_become_blocks(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(projects.EMPTY), encoding="utf-8")
    add(path, ADDED)
    assert "datasets:\n  mine:\n    reader: table\n" in path.read_text(encoding="utf-8")
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["datasets"]["mine"] == DATASET


def test_lists_keep_the_style_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    flush = (
        "datasets:\n  old:\n    reader: table\n    files:\n    - path: b.csv\n    labels: {x: x}\n"
    )
    rest = "".join(f"{name}: {{}}\n" for name in projects.EMPTY if name not in ("datasets", "seed"))
    path.write_text(f"seed: 1\n{flush}{rest}", encoding="utf-8")
    add(path, ADDED)
    assert flush in path.read_text(encoding="utf-8")
    assert "    files:\n    - {path: a.csv, split: train}\n" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("additions", "message"),
    [
        ({"datasets": {"home": DATASET}}, r"datasets\.home is there already\. .*--name"),
        ({"datasets": {"mine": {**DATASET, "lables": {}}}}, r"datasets\.mine\.lables: unknown set"),
        ({"tasks": {"x": {**TASK, "dataset": "nowhere"}}}, r"tasks\.x\.dataset: .*'nowhere'"),
    ],
)
def test_a_mistake_leaves_the_file_as_it_was(
    tmp_path: Path, additions: dict[str, dict[str, Any]], message: str
) -> None:
    path = example(tmp_path)
    before = path.read_bytes()
    with pytest.raises(PlaitError, match=message):
        add(path, additions)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["params.yaml"]


def test_the_text_to_paste_is_what_would_be_written() -> None:
    assert yaml.safe_load(as_text(ADDED)) == ADDED
