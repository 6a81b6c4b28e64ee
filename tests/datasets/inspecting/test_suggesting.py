"""What files hold is found from their content; what can't be found is one error."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from exports import EXPORTS, Annotated, conll
from mine import tickets, write_csv
from plait.datasets.inspecting.opening import Opened, open_file
from plait.datasets.inspecting.suggesting import Choice, Found, inspect
from plait.errors import PlaitError


def same(columns: Iterable[str]) -> dict[str, str]:
    return {column: column for column in columns}


def look(*files: Path, **choice: Any) -> Found:
    return inspect(files, Choice(**choice), same)


def kinds(found: Found) -> dict[str, str]:
    return {column.name: column.kind for column in found.columns}


@pytest.mark.parametrize(
    ("name", "mark", "code", "layout"),
    [
        ("a.csv", ",", "utf-8", {}),
        ("a.csv", ",", "utf-8-sig", {}),
        ("a.tsv", "\t", "utf-8", {}),
        ("a.csv", ";", "utf-8", {"delimiter": ";"}),
        ("a.csv", "\t", "utf-8", {"delimiter": "\t"}),
        ("a.csv", "|", "utf-8", {"delimiter": "|"}),
        ("a.csv", ";", "cp1252", {"encoding": "cp1252", "delimiter": ";"}),
        ("a.csv", ",", "utf-16", {}),
    ],
)
def test_csv(tmp_path: Path, name: str, mark: str, code: str, layout: dict[str, str]) -> None:
    write_csv(tmp_path / name, tickets(60), mark, code)
    found = look(tmp_path / name)
    assert kinds(found) == {"number": "id", "body": "text", "team": "label"}
    assert found.rows == 60
    assert found.opened[0].layout == layout
    assert next(found.opened[0].rows())["body"].startswith("My ")
    pin = found.settings["files"][0].pop("sha256")
    assert len(pin) == 64
    assert found.settings == {
        "reader": "table",
        **layout,
        "files": [{"path": (tmp_path / name).as_posix()}],
        "text": "body",
        "id": "number",
        "labels": {"team": "team"},
    }
    assert found.kinds == {"team": "classification"}


def test_a_file_without_a_header(tmp_path: Path) -> None:
    lines = [f"{row['team']},{row['body'].replace(',', '')}" for row in tickets(60)]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    found = look(tmp_path / "a.csv")
    assert found.opened[0].layout == {"header": False, "columns": ["label", "text"]}
    assert found.rows == 60
    assert kinds(found) == {"label": "label", "text": "text"}


def test_json_with_fields_inside_fields_spans_and_splits(tmp_path: Path) -> None:
    values = [
        {
            "data": {"text": f"turn on lamp {n} in the hall", "lang": "en"},
            "meta": {"part": "test" if n % 3 else "train"},
            "mood": "ab"[n % 2],
            "room": [[19 + len(str(n)), 23 + len(str(n)), "room"]],
            "score": n / 7,
        }
        for n in range(30)
    ]
    (tmp_path / "a.json").write_text(json.dumps(values), encoding="utf-8")
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, values)), encoding="utf-8")
    for name in ("a.json", "a.jsonl"):
        found = look(tmp_path / name)
        assert found.settings["text"] == "data.text"
        assert found.settings["split"] == "meta.part"
        assert found.settings["labels"] == {"mood": "mood"}
        assert found.settings["spans"] == {"room": "room"}
        assert found.kinds == {"mood": "classification", "room": "tagging"}
        assert kinds(found)["score"] == "other"


ROWS = [
    Annotated(f"lamp {n} in the hall", "on" if n % 2 else "off", ((0, 4, "thing"),))
    for n in range(12)
]


@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_annotation_exports(tmp_path: Path, name: str) -> None:
    export = EXPORTS[name]
    export.write(tmp_path / "export", ROWS)
    found = look(tmp_path / "export")
    assert found.settings["reader"] == "annotations"
    assert found.settings["format"] in name
    assert list(found.settings.get("labels", {})) == ([export.label] if export.label else [])
    assert list(found.settings.get("spans", {})) == ([export.spans] if export.spans else [])


def test_tokens(tmp_path: Path) -> None:
    sentence = (["New", "York", "calls"], [(0, 2, "place")])
    conll(tmp_path / "train.conll", [sentence] * 5)
    found = look(tmp_path / "train.conll")
    assert found.settings["format"] == "conll"
    assert found.settings["spans"] == {"tags": "tags"}


def test_several_files_have_the_splits_of_their_names(tmp_path: Path) -> None:
    files = [tmp_path / f"tickets_{part}.csv" for part in ("Train", "val", "TEST")]
    for file in files:
        write_csv(file, tickets(30))
    splits = [each["split"] for each in look(*files).settings["files"]]
    assert splits == ["train", "dev", "heldout"]
    assert "split" not in look(files[0]).settings["files"][0], "one file is split by chance"


def test_columns_that_the_user_names_are_taken(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", tickets(30))
    found = look(tmp_path / "a.csv", text="team", labels=("body",))
    assert found.settings["text"] == "team"
    assert found.settings["labels"] == {"body": "body"}


@pytest.mark.parametrize(
    ("content", "choice", "message"),
    [
        (b"", {}, "a.csv: is empty; expected rows"),
        (b"just some words\nand others\n", {}, "found neither records nor columns .* Write one te"),
        (b"x,body\n1,a text of words\n2,another one\n", {}, "no column of labels .* --label-field"),
        (b"text,label\na b,x\n", {"labels": ("team",)}, "no column 'team'; columns are text, lab"),
        (b'{"tokens": ["a"], "ner_tags": [3]}\n', {}, "found no column of"),
    ],
)
def test_what_cannot_be_found_is_said(
    tmp_path: Path, content: bytes, choice: dict[str, Any], message: str
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(PlaitError, match=message):
        look(tmp_path / "a.csv", **choice)


def test_files_of_one_data_set_have_one_format(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", tickets(30))
    write_csv(tmp_path / "b.csv", tickets(30), ";")
    with pytest.raises(PlaitError, match=r"b\.csv: found CSV, semicolons .* expected CSV, commas"):
        look(tmp_path / "a.csv", tmp_path / "b.csv")
    with pytest.raises(PlaitError, match=r"c\.csv: no such file"):
        open_file(tmp_path / "c.csv")


def test_a_byte_of_no_encoding_is_named_in_the_header_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"te\x81t,label\na,b\n")
    opened = Opened(tmp_path / "a.csv", "CSV", "table", {"encoding": "cp1252"})
    with pytest.raises(PlaitError, match=r"line 1: byte 0x81 at offset 2 is not cp1252"):
        list(opened.rows())


def test_one_choice_or_several_in_one_field_of_json_min(tmp_path: Path) -> None:
    answers = ["food", {"choices": ["food", "music"]}, "sport", ["music", "sport"]]
    records = [
        {"text": f"note {n} of today", "id": n, "topics": answers[n % 4], "annotator": 1,
         "annotation_id": n, "lead_time": 2.0}
        for n in range(40)
    ]  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(records))
    found = look(tmp_path / "a.json")
    assert found.settings["label_sets"] == {"topics": {"column": "topics"}}
    assert "labels" not in found.settings
    assert found.kinds == {"topics": "multilabel"}
    rows = [row["topics"] for row in found.opened[0].rows()]
    assert rows[:4] == [["food"], ["food", "music"], ["sport"], ["music", "sport"]]


def test_the_encoding_of_an_export_is_found(tmp_path: Path) -> None:
    records = [
        {"text": f"café numéro {n} à côté du théâtre", "cats": ["on" if n % 2 else "off"]}
        for n in range(20)
    ]
    content = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    (tmp_path / "a.jsonl").write_bytes(content.encode("cp1252"))
    found = look(tmp_path / "a.jsonl")
    assert found.settings["reader"] == "annotations"
    assert found.settings["encoding"] == "cp1252"
    assert next(found.opened[0].rows())["text"] == "café numéro 0 à côté du théâtre"
