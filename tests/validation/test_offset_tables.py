"""Spans whose offsets count something else than characters: what they cut, and what would fit."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from plait.datasets.table import Table
from plait.preparation.own_file import Columns, check_file
from plait.validation.engine import Result

ROOMS = ("kitchen", "hall", "attic", "garage")
FORMS = (
    "😀 please light the {} now and",
    "in the {} it is cold 🥶 again",
    "how warm is the {} then",
)
Count = Callable[[str], int]


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def utf8(text: str) -> int:
    return len(text.encode())


def check(folder: Path, size: Count, first: int = 0, last: int = 0) -> list[Result]:
    """The faults of rows whose spans count by `size`, from `first`; `last`: of the end."""
    rows = []
    for i in range(90):
        before, _, after = FORMS[i % 3].partition("{}")
        room = ROOMS[i % 4]
        start, end = size(before) + first, size(before + room) + first + last
        rows.append({"text": f"{before}{room}{after} {i}", "where": [[start, end, "room"]]})
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = check_file(path, Columns("text", (), ("where",)))
    return [each for each in found.results if each.rule.startswith("span") and not each.passed]


@pytest.mark.parametrize(
    ("size", "first", "last", "setting"),
    [
        (utf16, 0, 0, "offsets: utf16"),
        (utf8, 0, 0, "offsets: bytes"),
        (len, 0, -1, "offsets: inclusive"),
        (len, 1, 0, "offsets: characters, offsets_from: 1"),
        (len, 1, -1, "offsets: inclusive, offsets_from: 1"),
        (utf16, 1, 0, "offsets: utf16, offsets_from: 1"),
    ],
)
def test_the_unit_is_found_and_its_setting_mends_it(
    tmp_path: Path, size: Count, first: int, last: int, setting: str
) -> None:
    found = {each.rule: each for each in check(tmp_path, size, first, last)}
    assert found["span_offsets"].severity == "critical"
    assert setting in found["span_offsets"].rows
    assert f"`{setting}` (" in found["span_offsets"].sentence
    assert "becomes '" in found["span_offsets"].sentence
    parts = dict(each.split(": ") for each in setting.split(", "))
    settings = {**parts, "offsets_from": int(parts.get("offsets_from", 0))}
    reader = Table.model_validate(
        {"files": [{"path": "rows.jsonl"}], "spans": {"where": "where"}, **settings}
    )
    cut = {
        row.text[span.start : span.end]
        for _, row in reader.read(tmp_path, 0)
        for span in row.labels["where"] or ()
        if not isinstance(span, str)
    }
    assert cut == set(ROOMS)


def test_right_offsets_are_left_alone(tmp_path: Path) -> None:
    assert check(tmp_path, len) == []


def test_a_span_that_cuts_words_is_shown_with_them(tmp_path: Path) -> None:
    found = {(each.rule, each.split): each for each in check(tmp_path, len, 0, -1)}
    assert "'[kitche]n' (" in found["span_cuts_word", "train"].sentence
    assert "[" not in found["span_cuts_word", "heldout"].sentence
