"""Batch prediction: every format in and out, columns kept, answers as the service gives them."""

import csv
import json
from datetime import datetime
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from answered_files import TEXTS, read, run, write
from plait.errors import PlaitError
from plait.serving.batch import windows
from plait.serving.service import Service

ENDINGS = [
    f"{kind}{packed}"
    for kind in (".csv", ".tsv", ".jsonl", ".parquet")
    for packed in ("", ".gz", ".zst")
]
PAIRS = [
    *product([".csv", ".tsv", ".jsonl", ".parquet"], repeat=2),
    *((e, e) for e in ENDINGS if e.count(".") > 1),
]
ANSWERS = ["intent", "intent_probability", "slots", "truncated", "error"]


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "ROWS", 7)


def refused(*arguments: Any, **more: Any) -> str:
    with pytest.raises(PlaitError) as error:
        run(*arguments, **more)
    return str(error.value)


def values(row: dict[str, Any]) -> list[Any]:
    """The answers of a row, whatever the format."""
    intent, probability, slots, truncated, reason = (row[name] for name in ANSWERS)
    if isinstance(slots, str):
        slots = json.loads(slots)
        probability, truncated = float(probability), {"true": True, "false": False}[truncated]
    return [intent, probability, slots, truncated, reason or None]


@pytest.mark.parametrize(("ending", "to"), PAIRS, ids=["→".join(pair) for pair in PAIRS])
def test_every_format_becomes_every_other_with_the_answers_of_the_service(
    served: Path, tmp_path: Path, ending: str, to: str
) -> None:
    rows = [
        {"id": f"{i}", "text": text, "note": 'a "b", \n c'} for i, text in enumerate(TEXTS[:20])
    ]
    out = tmp_path / f"out{to}"
    done = run(served, write(tmp_path / f"in{ending}", rows), out)
    found = read(out)
    assert [{name: row[name] for name in rows[0]} for row in found] == rows
    assert list(found[0]) == [*rows[0], *ANSWERS]
    for reply, row in zip(Service.load(root=served).answer(TEXTS[:20]), found, strict=True):
        answers = reply.as_json()["answers"]
        expected = [answers["intent"]["label"], answers["intent"]["probability"], answers["slots"]]
        assert values(row) == [*expected, False, None]
    assert (done.rows, done.bad, done.resumed) == (20, 0, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"in{ending}", f"out{to}"])


def test_top_lists_the_likeliest_labels(served: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "in.csv", [{"text": TEXTS[0]}])
    for ending in (".csv", ".parquet", ".jsonl"):
        run(served, file, tmp_path / f"out{ending}", top=3)
        (row,) = read(tmp_path / f"out{ending}")
        listed = json.loads(row["intent_top"]) if ending == ".csv" else row["intent_top"]
        (reply,) = Service.load(root=served).answer([TEXTS[0]])
        assert listed == reply.as_json(3)["answers"]["intent"]["top"]


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=15))
def test_any_cells_stay_as_they_are(
    served: Path, tmp_path: Path, cells: list[tuple[str, str, str]]
) -> None:
    rows = [{"a": a, "text": f"lamp {b}", 'ü, "x"': c} for a, b, c in cells]
    kept = {"a", "text", 'ü, "x"'}
    before = tmp_path / "in.csv"
    before.write_bytes(b"")
    with before.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    for ending in (".tsv", ".jsonl", ".parquet", ".csv"):  # each from the one before
        after = tmp_path / f"out{ending}"
        run(served, before, after, prefix=ending[1:])
        found = read(after)
        assert [{name: row[name] for name in kept} for row in found] == rows
        before = after


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | CELLS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CELLS, inner, max_size=3),
    max_leaves=5,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "ç"]), JSON), min_size=1, max_size=9))
def test_any_json_stays_as_it_is(
    served: Path, tmp_path: Path, objects: list[dict[str, Any]]
) -> None:
    rows = [{**row, "text": TEXTS[0]} for row in objects]
    file = write(tmp_path / "in.jsonl", rows)
    run(served, file, tmp_path / "out.jsonl")
    for row, found in zip(rows, read(tmp_path / "out.jsonl"), strict=True):
        assert {name: found[name] for name in found if name not in ANSWERS} == row
    run(served, file, tmp_path / "out.parquet")
    for row, found in zip(rows, read(tmp_path / "out.parquet"), strict=True):
        for name, value in row.items():
            held = found[name]
            assert held == value or (isinstance(held, str) and json.loads(held) == value)


def test_numbers_of_jsonl_keep_every_digit(served: Path, tmp_path: Path) -> None:
    line = '{"n": 1.10, "big": 123456789012345678901234567890, "text": "lamp on", "e": 1E2 }'
    (tmp_path / "in.jsonl").write_text(line + "\n\n{}")
    run(served, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    found = (tmp_path / "out.jsonl").read_text().splitlines()
    assert found[0].startswith('{"n": 1.10, "big": 123456789012345678901234567890, "text": "lamp')
    assert json.loads(found[1])["error"] == "no text (null)"


def test_the_schema_of_parquet_is_kept(served: Path, tmp_path: Path) -> None:
    columns = {
        "when": pyarrow.array([datetime(2024, 1, 2), None], pyarrow.timestamp("us", "UTC")),
        "price": pyarrow.array([Decimal("1.10"), None], pyarrow.decimal128(9, 2)),
        "kind": pyarrow.array(["a", None]).dictionary_encode(),
        "text": pyarrow.array(TEXTS[:2], pyarrow.large_string()),
        "raw": pyarrow.array([b"\xff", None]),
        "nested": pyarrow.array([{"x": [1, None]}, None]),
        "nan": pyarrow.array([float("nan"), 1.5], pyarrow.float32()),
    }
    table = pyarrow.table(columns).replace_schema_metadata({"owner": "us"})
    parquet.write_table(table, tmp_path / "in.parquet")
    run(served, tmp_path / "in.parquet", tmp_path / "out.parquet")
    found = parquet.read_table(tmp_path / "out.parquet")
    assert found.schema.names == [*columns, *ANSWERS]
    assert found.schema.metadata[b"owner"] == b"us"
    own = found.select(list(columns))
    assert own.schema.equals(table.schema)
    assert own.drop_columns("nan").equals(table.drop_columns("nan"))
    run(served, tmp_path / "in.parquet", tmp_path / "out.jsonl")
    first, _ = read(tmp_path / "out.jsonl")
    assert (first["price"], first["raw"], first["nested"]) == ("1.10", "/w==", {"x": [1, None]})
    assert (first["when"], first["nan"]) == ("2024-01-02T00:00:00+00:00", None)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_rows_without_a_text(served: Path, tmp_path: Path, ending: str) -> None:
    texts = [TEXTS[0], "", " \u200b ", TEXTS[1], *([" "] * 20)]
    file = write(tmp_path / f"in{ending}", [{"text": t, "n": str(i)} for i, t in enumerate(texts)])
    done = run(served, file, tmp_path / f"out{ending}")
    unit, first = ("row", 2) if ending == ".parquet" else ("line", 3 if ending == ".csv" else 2)
    assert done.bad == 22
    assert done.first.startswith(f"{unit} {first}: an empty text; {unit} {first + 1}: no visible")
    assert done.first.endswith("and 12 more")
    found = read(tmp_path / f"out{ending}")
    assert [row["error"] or None for row in found][:4] == [
        None,
        "an empty text",
        "no visible character",
        None,
    ]
    assert [bool(row["intent"]) for row in found] == [True, False, False, True, *([False] * 20)]
    skipped = tmp_path / f"skipped{ending}"
    run(served, file, skipped, on_bad_row="skip")
    assert [row["n"] for row in read(skipped)] == ["0", "3"]
    assert "error" not in read(skipped)[0]
    message = refused(served, file, tmp_path / f"none{ending}", on_bad_row="error")
    assert f"22 of 24 rows have no text in column 'text': {unit} {first}: an empty" in message
    assert "`--on-bad-row null` or `skip`" in message
    assert not list(tmp_path.glob("none*"))


def test_bytes_that_are_no_utf8(served: Path, tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_bytes(b"text,note\nlamp on,caf\xe9\nlamp \xe9,ok\n")
    done = run(served, file, tmp_path / "out.csv")
    assert done.first == "line 3: character 5 not in UTF-8"
    assert b"lamp on,caf\xe9," in (tmp_path / "out.csv").read_bytes()
    run(served, file, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes().isascii()
    run(served, file, tmp_path / "out.parquet")
    assert [row["note"] for row in read(tmp_path / "out.parquet")] == ["caf\ufffd", "ok"]


def test_other_values_than_texts_are_named(served: Path, tmp_path: Path) -> None:
    rows = [{"text": 5}, {"text": None}, {"text": ["a"]}, {"text": TEXTS[0]}]
    done = run(served, write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl")
    assert done.first == (
        "line 1: found a number, expected a text; line 2: no text (null); "
        "line 3: found a list, expected a text"
    )
    file = write(tmp_path / "in.parquet", [{"text": 5}])
    assert "column 'text' holds int64, expected texts" in refused(served, file, tmp_path / "o.csv")


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_a_column_that_is_missing_or_there_already(
    served: Path, tmp_path: Path, ending: str
) -> None:
    file = write(tmp_path / f"in{ending}", [{"texte": TEXTS[0], "intent": "x", "slots": "y"}])
    out = tmp_path / "out.csv"
    message = refused(served, file, out)
    assert "column 'text': columns are 'texte', 'intent', 'slots'. Did you mean 'texte'?" in message
    message = refused(served, file, out, text="body")
    assert message.endswith("Name the column with the text: `--text NAME`.")
    message = refused(served, file, out, text="texte")
    assert "has the columns 'intent', 'slots'" in message
    assert "`--prefix plait_`" in message
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    run(served, file, out, text="texte", prefix="p_")
    assert list(read(out)[0])[3:] == [f"p_{name}" for name in ANSWERS]


def test_all_rows_that_cant_be_kept_are_named_before_anything_is_answered(
    served: Path, tmp_path: Path
) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"text": "a"}\nnonsense\n[1]\n{"text": "b", "text": "c"}\n')
    message = refused(served, file, tmp_path / "out.jsonl")
    assert "3 rows can't be kept as they are: line 2: not valid JSON" in message
    assert "line 3: found no JSON object; line 4: not valid JSON ('text' occurs twice)" in message
    file = tmp_path / "in.csv"
    file.write_text("text,b\nx\n" + "x,y\n" * 5 + "x,y,z\n")
    message = refused(served, file, tmp_path / "out.csv")
    assert "line 2: found 1 cells, expected 2; line 8: found 3 cells, expected 2" in message
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("ending", [".csv.gz", ".jsonl.zst", ".parquet"])
def test_a_damaged_file_is_named_before_anything_is_answered(
    served: Path, tmp_path: Path, ending: str
) -> None:
    file = write(tmp_path / f"in{ending}", [{"text": text} for text in TEXTS * 9])
    file.write_bytes(file.read_bytes()[:-30])
    message = refused(served, file, tmp_path / "out.csv")
    assert message.startswith(f"{file}: not ")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_files_without_rows(served: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text,b\n")
    run(served, tmp_path / "in.csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == ",".join(["text", "b", *ANSWERS]) + "\n"
    run(served, tmp_path / "in.csv", tmp_path / "out.parquet")
    assert parquet.read_schema(tmp_path / "out.parquet").names == ["text", "b", *ANSWERS]
    (tmp_path / "in.jsonl").write_text("\n")
    run(served, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == b""
    (tmp_path / "none.csv").write_text("")
    assert "column 'text'" in refused(served, tmp_path / "none.csv", tmp_path / "out.csv")


def test_a_delimiter(served: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f"a;text\n1,5;{TEXTS[0]}\n")
    message = refused(served, tmp_path / "in.csv", tmp_path / "out.csv")
    assert "The delimiter looks like ';'" in message
    run(served, tmp_path / "in.csv", tmp_path / "out.csv", delimiter=";")
    assert read(tmp_path / "out.csv")[0]["a"] == "1,5"
    message = refused(served, tmp_path / "in.csv", tmp_path / "out.csv", delimiter="ab")
    assert message.startswith("--delimiter: 'ab' is no delimiter")
