"""JSON: a row a line, or an array of rows, of which one row is held at a time."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from formats import numbers, rows, written
from plait.datasets.formats import json_rows
from plait.errors import PlaitError

ROWS = [
    {"text": 'a [b], {c}\n\u2028"é', "label": None, "more": {"n": [1, 2.5, True]}},
    {"text": ""},
]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.ndjson", "rows.json", "ROWS.JSON"])
@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_lines_and_arrays(tmp_path: Path, name: str, indent: int | None, ascii_only: bool) -> None:
    array = json.dumps(ROWS, indent=indent, ensure_ascii=ascii_only)
    assert rows(written(tmp_path, array.encode(), name)) == ROWS
    lines = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in ROWS)
    assert rows(written(tmp_path, lines.encode(), name)) == ROWS


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
def test_a_value_may_be_cut_anywhere(
    tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_rows, "_BLOCK", block)
    many = [*ROWS, {"n": -12.5e3, "t": True, "u": "\\\u00e9\U0001f600"}] * 3
    found = written(tmp_path, json.dumps(many, indent=1).encode(), "rows.json")
    assert rows(found) == many


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_numbers_are_those_of_an_editor(tmp_path: Path, end: str) -> None:
    array = end.join(["[", '{"a": 1},', "", '{"a":', "2}", ",", '{"a": 3}', "]"])
    assert numbers(written(tmp_path, array.encode(), "rows.json")) == [2, 4, 7]
    lines = end.join(["", '{"a": 1}', "", '{"a": 2}'])
    assert numbers(written(tmp_path, lines.encode(), "rows.jsonl")) == [2, 4]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"a": 1},\n{"a": 2}', "line 2: .*the array is cut off"),
        ('[{"a": 1},\n', "line 2: .*the array is cut off"),
        ("[\n", "line 2: .*the array is cut off"),
        ('[{"a": 1},\n{"a": "two', "line 2: not valid JSON .Unterminated string"),
        ('[{"a": 1},\n{"a": 2 "b": 3},\n{"c": 4}]', "line 2: not valid JSON .Expecting ',' delim"),
        ('[{"a": 1}\n{"a": 2}]', "line 2: not valid JSON .found '{' between two rows"),
        ('[{"a": 1}]\n[{"a": 2}]', r"line 2: not valid JSON .found '\[' behind the array"),
        ('[{"a": 1},\n{"a": 1, "a": 2}]', "line 2: not valid JSON .'a' occurs twice"),
        ('[{"a": 1},\n"b"]', "line 2: found a JSON str, expected an object"),
        ('{"a": 1}\n{"a": 1, "a": 2}', "line 2: not valid JSON .'a' occurs twice"),
        ('{"a": 1}\n{"a"', "line 2: not valid JSON .*expected one object per line"),
        ('{"a": 1}\n2', "line 2: found a JSON int, expected an object"),
        ("[" * 100_000, "line 1: not valid JSON .*recursion"),
    ],
)
def test_faults_are_named(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(PlaitError, match=message):
        rows(written(tmp_path, content.encode(), "rows.json"))


def test_nan_is_null(tmp_path: Path) -> None:
    content = b'{"label": NaN, "size": -Infinity}'
    assert rows(written(tmp_path, content, "a.jsonl")) == [{"label": None, "size": float("-inf")}]


@pytest.mark.parametrize("empty", [b"", b"[]", b" [ ] \n", b"\n\n"])
def test_no_rows(tmp_path: Path, empty: bytes) -> None:
    assert rows(written(tmp_path, empty, "rows.json")) == []


def test_an_array_on_one_line_is_streamed(tmp_path: Path) -> None:
    """A line of 80 MB passes through a process that may use 24 MB more than at the start."""
    row = json.dumps({"text": "word " * 2_000})
    with (tmp_path / "rows.json").open("w") as stream:
        stream.write("[" + ", ".join([row] * 8_000) + "]")
    code = (
        "import resource, sys; from pathlib import Path;"
        "from plait.datasets.table_files import records;"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "before = peak(); rows = sum(1 for _ in records(Path(sys.argv[1])));"
        "print(rows, (peak() - before) // 1024)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "rows.json")]
    found: Any = subprocess.run(command, check=True, capture_output=True).stdout.split()
    assert int(found[0]) == 8_000
    assert int(found[1]) < 24
