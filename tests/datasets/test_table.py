"""Any CSV or JSONL file by a mapping of columns; every fault names its file and line."""

import csv
import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.datasets.table import Table
from plait.errors import PlaitError
from plait.experiment.loading import check
from plait.segmentation import is_blank
from plait.sources import Hub, LocalFile
from plait.tasks import Row, Span

LABELS = {"topic": "label"}


def table(**settings: Any) -> Table:
    files = [{"path": name} for name in settings.pop("paths", ["rows.csv"])]
    return Table.model_validate({"files": files, "labels": LABELS, **settings})


def read(folder: Path, reader: Table, seed: int = 0) -> list[tuple[str, Row]]:
    return list(reader.read(folder, seed))


def write_csv(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


def write_lines(path: Path, *values: object) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")


def test_splits_by_file(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [["text", "label"], *([f"t{i}", "xy"[i % 2]] for i in range(40))])
    write_lines(tmp_path / "b.jsonl", {"text": "held", "label": "x"}, {"text": "out", "label": 3})
    files = [{"path": "a.csv", "split": "train"}, {"path": "b.jsonl", "split": "heldout"}]
    rows = read(tmp_path, table(files=files, fractions={"dev": 0.25}))
    assert Counter(split for split, _ in rows) == {"train": 30, "dev": 10, "heldout": 2}
    assert Counter(row.labels["topic"] for split, row in rows if split == "dev") == {"x": 5, "y": 5}
    assert rows[-1] == ("heldout", Row("b-000002", "out", {"topic": "3"}))
    assert rows[0][1].id == "a-000001", "rows are counted, not lines"


def test_splits_by_column(tmp_path: Path) -> None:
    names = ["train", "validation", "test", "dev", "heldout", "valid"]
    write_csv(tmp_path / "rows.csv", [["text", "label", "part"], *([n, "x", n] for n in names)])
    rows = read(tmp_path, table(split="part"))
    assert [split for split, _ in rows] == ["train", "dev", "heldout", "dev", "heldout", "dev"]


def test_splits_by_fraction_do_not_depend_on_order(tmp_path: Path) -> None:
    values = [{"id": f"n{i}", "text": f"t{i}", "label": "xyz"[i % 3]} for i in range(90)]
    write_lines(tmp_path / "rows.jsonl", *values)
    reader = table(paths=["rows.jsonl"], id="id", fractions={"dev": 0.1, "heldout": 0.3})
    first = {row.id: split for split, row in read(tmp_path, reader)}
    assert Counter(first.values()) == {"train": 57, "dev": 6, "heldout": 27}
    write_lines(tmp_path / "rows.jsonl", *reversed(values))
    assert {row.id: split for split, row in read(tmp_path, reader)} == first
    assert {row.id: split for split, row in read(tmp_path, reader, seed=1)} != first


def test_spans_and_empty_labels(tmp_path: Path) -> None:
    values = [
        {"text": "call Ann now", "label": None, "who": [[9, 12, "time"], [5, 8, "person"]]},
        {"text": "nobody", "label": "x", "who": "[]"},
        {"text": "unmarked", "label": "", "who": None},
    ]
    write_lines(tmp_path / "rows.jsonl", *values)
    reader = table(files=[{"path": "rows.jsonl", "split": "heldout"}], spans={"slots": "who"})
    assert reader.field_kinds() == {"topic": "classification", "slots": "tagging"}
    found = [dict(row.labels) for _, row in read(tmp_path, reader)]
    assert found == [
        {"topic": None, "slots": (Span(5, 8, "person"), Span(9, 12, "time"))},
        {"topic": "x", "slots": ()},
        {"topic": None, "slots": None},
    ]


def test_what_is_validations_business_passes(tmp_path: Path) -> None:
    """Empty texts, NUL characters and very long documents reach the checks unchanged."""
    texts = ["", "\0", "a\0b", "long " * 2_000_000, 'quotes " and\nline ends, commas']
    write_csv(tmp_path / "rows.csv", [["text", "label"], *([text, "x"] for text in texts)])
    write_lines(tmp_path / "rows.jsonl", *({"text": text, "label": "x"} for text in texts))
    for name in ("rows.csv", "rows.jsonl"):
        reader = table(files=[{"path": name, "split": "heldout"}])
        assert [row.text for _, row in read(tmp_path, reader)] == texts


Cells = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r"))


@given(st.lists(st.tuples(Cells, Cells), min_size=1))
def test_any_cells_read_back(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("cells")
    write_csv(folder / "rows.csv", [["text", "label"], *map(list, cells)])
    reader = table(files=[{"path": "rows.csv", "split": "heldout"}])
    found = [(row.text, row.labels["topic"]) for _, row in read(folder, reader)]
    assert found == [(text, None if is_blank(label) else label) for text, label in cells]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "rows.csv: is empty; expected a header line that names the columns"),
        (b"text,text,label\n", "line 1: column 'text' occurs twice. Rename one of them"),
        (
            b"body,label\nhi,x\n",
            "line 1: column 'text': columns are 'body', 'label'. If this line is a row, set",
        ),
        (b"text,topic\nhi,x\n", "line 1: column 'label': columns are 'text', 'topic'"),
        (
            b"text,label\nhi,x\na,b,c\n",
            "line 3: found 3 cells, expected 2 .'text', 'label'.. Quote",
        ),
        (b'text,label\n"hi\nyou",x\n"a" b,c\n', "line 4: not valid CSV .*Quote cells that hold"),
        (b'text,label\n"never ends,x\n', "line 2: not valid CSV .unexpected end of data"),
        (b"text,label\nhi,x\ncaf\xe9,x\n", "line 3: byte 0xe9 at offset 19 is not UTF-8"),
    ],
)
def test_malformed_csv_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(PlaitError, match=message):
        read(tmp_path, table())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"text": None, "label": "x"}, "column 'text': found null, expected a string. Write"),
        ({"text": "hi", "label": [5]}, r"column 'label': found \[5\], expected a string"),
        ({"text": "hi", "label": "x", "part": "tset"}, "column 'part': found 'tset', expected one"),
    ],
)
def test_wrong_columns_are_named(tmp_path: Path, value: object, message: str) -> None:
    write_lines(tmp_path / "rows.jsonl", {"text": "a", "label": "x", "part": "train"}, value)
    with pytest.raises(PlaitError, match=f"rows.jsonl, line 2: {message}"):
        read(tmp_path, table(paths=["rows.jsonl"], split="part" if "part" in value else None))


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([[0, 99, "x"]], r"span \[0, 99, 'x'\] ends after the text of 2 characters\. Correct"),
        ([[1, 1, "x"]], r"span \[1, 1, 'x'\] is empty: it begins and ends at 1\."),
        ([[2, 1, "x"]], r"span \[2, 1, 'x'\] ends before it begins\."),
        (
            [[0, 2, "x"], [1, 2, "y"]],
            r"span \[1, 2, 'y'\], which cuts 'i', overlaps \[0, 2, 'x'\], which cuts 'hi'\.",
        ),
        ([[-1, 1, "x"]], r"span \[-1, 1, 'x'\] begins before the text"),
        ([[0, 1]], r"found \[\[0, 1\]\], expected \[\[start, end, type\], …\] in characters"),
        ([["0", 1, "x"]], r"found \[\['0', 1, 'x'\]\], expected"),
        ("not json", "found 'not json', expected"),
        (5, "found 5, expected"),
    ],
)
def test_spans_that_do_not_match_their_text(tmp_path: Path, spans: object, message: str) -> None:
    write_lines(tmp_path / "rows.jsonl", {"text": "hi", "who": spans})
    reader = table(paths=["rows.jsonl"], labels={}, spans={"slots": "who"})
    with pytest.raises(PlaitError, match=f"rows.jsonl, line 1: column 'who': {message}"):
        read(tmp_path, reader)


def test_a_key_that_occurs_twice_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a", "label": "x", "text": "b"}\n')
    with pytest.raises(PlaitError, match=r"rows.jsonl, line 1: not valid JSON .'text' occurs tw"):
        read(tmp_path, table(paths=["rows.jsonl"]))


def test_rows_of_files_with_one_stem_have_ids_of_their_own(tmp_path: Path) -> None:
    for path in ("en/rows.jsonl", "de/rows.jsonl"):
        (tmp_path / path).parent.mkdir()
        write_lines(tmp_path / path, *({"text": f"t{i}", "label": "x"} for i in range(10)))
    hub = {"repo": "own/rows", "revision": "b" * 40, "type": "dataset"}
    rows = read(tmp_path, table(paths=["en/rows.jsonl", "de/rows.jsonl"], hub=hub))
    assert len({row.id for _, row in rows}) == 20
    assert rows[0][1].id == "en/rows.jsonl-000001"
    assert Counter(split for split, _ in rows) == {"train": 14, "dev": 2, "heldout": 4}
    write_csv(tmp_path / "rows.csv", [["text", "label"], ["t", "x"]])
    write_lines(tmp_path / "rows.jsonl", {"text": "t", "label": "x"}, {"text": "u", "label": "x"})
    found = read(tmp_path, table(paths=["rows.csv", "rows.jsonl"]))
    assert [row.id for _, row in found][::2] == ["rows.csv-000001", "rows.jsonl-000002"]


def test_settings_are_checked_all_at_once() -> None:
    settings = {
        "files": [{"path": "rows.txt"}, {"path": "./rows.txt", "split": "train"}],
        "labels": {},
        "split": "part",
        "id": "part",
    }
    with pytest.raises(ValidationError) as caught:
        table(**settings)
    message = str(caught.value)
    assert "'rows.txt' ends with none of .csv, .tsv, .jsonl" in message
    assert "a file is named twice; name it once" in message
    assert "none of `labels`, `label_sets` and `spans` names a field" in message
    assert "column 'part' is named by id and split; name it once" in message
    assert "splits come from the column `split` or from files, not from both" in message


def test_a_column_of_labels_serves_several_fields_but_no_other_setting() -> None:
    table(labels={"topic": "label", "theme": "label"})
    with pytest.raises(ValidationError, match="column 'x' is named by text and labels and spans"):
        table(text="x", labels={"topic": "x"}, spans={"slots": "x"})


def test_a_table_needs_no_code(tmp_path: Path) -> None:
    """An entry in params.yaml is enough: its fields are known to tasks."""
    experiment = {
        "datasets": {"mine": {"reader": "table", "files": [{"path": "m.csv"}], "labels": LABELS}},
        "tasks": {"t": {"dataset": "mine", "kind": "classification", "field": "topik"}},
        "backbones": {},
        "candidates": {},
        "services": {},
        "training": {},
        "validation": {},
    }
    with pytest.raises(PlaitError, match=r"tasks.t.field: .*'topik'.*did you mean 'topic'"):
        check(experiment, "params.yaml")


def test_own_files_need_a_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    content = b"text,label\nhi,x\n"
    (tmp_path / "in" / "rows.csv").write_bytes(content)
    found = hashlib.sha256(content).hexdigest()
    (source,) = table(paths=["in/rows.csv"]).sources()
    assert isinstance(source, LocalFile)
    with pytest.raises(PlaitError, match=f"in/rows.csv: sha256 is {found}, .*`files.0.sha256`"):
        source.fetch(tmp_path / "raw")
    (source,) = table(files=[{"path": "in/rows.csv", "sha256": found}]).sources()
    source.fetch(tmp_path / "raw")
    assert (tmp_path / "raw" / "rows.csv").read_bytes() == content


def test_a_data_set_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = {"repo": "own/rows", "revision": "b" * 40, "type": "dataset"}
    folder = tmp_path / "hub" / "own" / "rows" / ("b" * 40) / "data"
    folder.mkdir(parents=True)
    write_lines(folder / "train.jsonl", {"text": "hi", "label": "x"})
    write_lines(folder / "unasked.jsonl", {"text": "hi", "label": "x"})
    monkeypatch.setenv("PLAIT_MIRROR", str(tmp_path))
    files = [{"path": "data/train.jsonl", "split": "heldout"}]
    reader = table(files=files, hub=hub)
    (source,) = reader.sources()
    assert isinstance(source, Hub)
    source.fetch(tmp_path / "raw")
    assert [p.name for p in (tmp_path / "raw").rglob("*.jsonl")] == ["train.jsonl"]
    assert [row.text for _, row in read(tmp_path / "raw", reader)] == ["hi"]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, suffix: str) -> None:
    """160 MB of rows pass through a process that may use 64 MB more than it does at the start."""
    path = tmp_path / f"rows{suffix}"
    text = "word " * 2_000
    line = f"{text},x\n" if suffix == ".csv" else json.dumps({"text": text, "label": "x"}) + "\n"
    with path.open("w") as stream:
        stream.write("text,label\n" if suffix == ".csv" else "")
        for _ in range(16_000):
            stream.write(line)
    code = (
        "import resource, sys; from pathlib import Path; from plait.datasets.table import Table;"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "files = [{'path': sys.argv[2]}];"
        "reader = Table.model_validate({'files': files, 'labels': {'topic': 'label'}});"
        "before = peak(); rows = sum(1 for _ in reader.read(Path(sys.argv[1]), 0));"
        "print(rows, (peak() - before) // 1024)"
    )
    command = [sys.executable, "-c", code, str(tmp_path), path.name]
    rows, grown = subprocess.run(command, check=True, capture_output=True).stdout.split()
    assert int(rows) == 16_000
    assert int(grown) < 64
