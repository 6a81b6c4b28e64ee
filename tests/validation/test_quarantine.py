"""Rows that the policy takes out: gone from everything but their own file, and never silently."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from noted import PARAMS, Rows, rows
from plait.errors import PlaitError
from plait.experiment.loading import load
from plait.files import read_json, read_jsonl, write_json, write_jsonl
from plait.preparation.preparing import prepare
from plait.report.dropped import DroppedLine, dropped
from plait.stages.validate import validate as stage

Prepare = Callable[[Rows, dict[str, str]], Path]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepare:
    """Prepare rows of a table under a policy; the project becomes the working folder."""

    def start(table: Rows, rules: dict[str, str]) -> Path:
        monkeypatch.chdir(tmp_path)
        params = {**copy.deepcopy(PARAMS), "validation": {"rules": rules}}
        write_json(tmp_path / "params.yaml", params)
        write_jsonl(tmp_path / "data/notes/notes.jsonl", table)
        prepare(load(), *(tmp_path / name for name in ("data", "prepared", "inputs", "heldout")))
        return tmp_path

    return start


def everything(folder: Path) -> str:
    """All that later stages read."""
    files = [
        path
        for name in ("prepared", "inputs", "heldout")
        for path in sorted((folder / name).rglob("*"))
        if path.is_file() and path.name != "quarantine.jsonl"
    ]
    return "".join(path.read_text(encoding="utf-8") for path in files)


def taken(folder: Path) -> list[dict[str, Any]]:
    return list(read_jsonl(folder / "prepared/notes/quarantine.jsonl"))


def test_rows_at_fault_stand_in_quarantine_alone(project: Prepare) -> None:
    table = rows()
    table[3].update(text="train n\ufffdte 3 from Rome, lost")
    table[7].update(text="train note 7 from Rome \ufffd\x1b", topic="music")
    folder = project(table, {"text_replacement": "quarantine", "text_control": "quarantine"})
    assert [(r["id"], r["split"], r["reasons"]) for r in taken(folder)] == [
        ("train-3", "train", ["text_replacement"]),
        ("train-7", "train", ["text_control", "text_replacement"]),
    ]
    assert taken(folder)[0]["text"] == "train n\ufffdte 3 from Rome, lost"
    assert taken(folder)[0]["labels"]["topic"] == "news"
    assert "\ufffd" not in everything(folder)
    facts = read_json(folder / "prepared/notes/dataset.json")
    assert facts["rows"] == {"train": 28, "dev": 20, "heldout": 20}
    assert facts["quarantined"] == {"train": 2, "dev": 0, "heldout": 0}
    labels = read_json(folder / "inputs/floor/candidate.json")["tasks"][0]["labels"]
    assert labels == ["news", "sport"], "a label of rows in quarantine alone is no label"


def test_quarantine_is_said_counted_and_listed(
    project: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    table = rows()
    table[3].update(text="train note 3 from Rome \ufffd <b>")
    folder = project(table, {"text_replacement": "quarantine"})
    stage()
    assert capsys.readouterr().out.endswith("1 row in quarantine (text_replacement 1).\n")
    report = read_json(folder / "validation/report.json")
    assert report["datasets"]["notes"]["quarantine"] == [
        {"id": "train-3", "split": "train", "reasons": ["text_replacement"]}
    ]
    page = (folder / "validation/index.html").read_text(encoding="utf-8")
    assert "1 rows were removed from train and dev" in page
    assert "prepared/notes/quarantine.jsonl" in page


def test_the_benchmark_s_report_counts_copies_apart(project: Prepare) -> None:
    table = rows()
    table[0].update(text="dev note 3 from Rome", places=[])
    table[1].update(text="heldout note 5 from Rome", places=[])
    table[3].update(text="train note 3 from Rome \ufffd")
    table[30].update(text="heldout note 7 from Rome", places=[])
    rules = ("text_in_train", "text_in_dev", "text_replacement")
    folder = project(table, dict.fromkeys(rules, "quarantine"))
    stage()
    assert dropped(read_json(folder / "validation/report.json")["datasets"]) == [
        DroppedLine("notes", "train", copies=2, others=1, left=27),
        DroppedLine("notes", "dev", copies=1, others=0, left=19),
    ]


def test_the_same_rows_with_and_without_the_policy(project: Prepare) -> None:
    """What is taken out is part of the data version: the inputs differ in those rows alone."""
    table = rows()
    table[5]["text"] = table[4]["text"].upper()
    kept = everything(project(table, {}))
    less = everything(project(table, {"text_near_duplicate": "quarantine"}))
    assert kept.count('"train-5"') == 2  # prepared, and the input of one candidate
    assert less.count('"train-5"') == 0
    assert len(taken(Path.cwd())) == 1


@pytest.mark.parametrize(
    ("rule", "spoil", "out"),
    [
        ("span_cuts_word", {"places": [[0, 3, "city"]]}, ["train-0"]),
        ("label_null", {"topic": None}, ["train-0"]),
        ("text_empty", {"text": " ", "places": []}, ["train-0"]),
        ("label_conflict", {"text": "train note 1 from Rome"}, ["train-0", "train-1"]),
        ("text_in_train", {"text": "dev note 3 from Rome", "places": []}, ["train-0"]),
        ("text_in_train", {"text": "heldout note 3 from Rome", "places": []}, ["train-0"]),
        ("near_in_train", {"text": "DEV note 3, from Rome", "places": []}, ["train-0"]),
        ("near_in_train", {"text": "heldout note 3 from Rome!", "places": []}, ["train-0"]),
        ("near_in_train", {"text": "heldout note 3 from Rome", "places": []}, ["train-0"]),
        ("text_in_heldout", {"text": "HELDOUT note 3 from Rome", "places": []}, ["train-0"]),
    ],
)
def test_any_rule_about_rows_can_take_them_out(
    project: Prepare, rule: str, spoil: dict[str, Any], out: list[str]
) -> None:
    table = rows()
    table[0].update(spoil)
    folder = project(table, {rule: "quarantine"})
    assert [row["id"] for row in taken(folder)] == out
    stage()
    found = [
        r for r in read_json(folder / "validation/report.json")["results"] if r["rule"] == rule
    ]
    assert found
    assert all(result["passed"] for result in found)


def test_held_out_rows_are_never_taken_out(project: Prepare) -> None:
    table = rows()
    table[-1].update(text="held\ufffdout note", places=[])
    folder = project(table, {"text_replacement": "quarantine"})
    assert taken(folder) == []
    stage()
    report = read_json(folder / "validation/report.json")
    (found,) = [r for r in report["results"] if not r["passed"] and r["rule"] == "text_replacement"]
    assert (found["split"], found["severity"]) == ("heldout", "warning")


def test_a_leak_is_mended_in_the_earlier_split(
    project: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    """More than a tenth of dev leaks, which stops a run: its copies leave train, and it goes on."""
    table = rows()
    for i in range(5):
        table[30 + i].update(text=f"train note {i} from Rome", places=[])
    table[50].update(text="train note 9 from Rome", places=[])
    table[51].update(text="dev note 12 from Rome", places=[])
    project(table, {})
    with pytest.raises(PlaitError, match="rule text_in_train_share, count 5"):
        stage()
    capsys.readouterr()
    folder = project(table, {"text_in_train": "quarantine", "text_in_dev": "quarantine"})
    reasons = {row["id"]: row["reasons"] for row in taken(folder)}
    train = {f"train-{i}": ["text_in_train"] for i in (0, 1, 2, 3, 4, 9)}
    assert reasons == {**train, "dev-12": ["text_in_dev"]}
    stage()
    said = capsys.readouterr().out
    assert said.endswith("7 rows in quarantine (text_in_dev 1, text_in_train 6).\n")
    leaks = read_json(folder / "validation/leaks.json")
    assert leaks == {"notes": {"exact": [], "near": []}}
    assert read_json(folder / "prepared/notes/dataset.json")["rows"] == {
        **{"train": 24, "dev": 19, "heldout": 20}
    }


def test_a_row_that_quarantine_missed_stops_the_graph(project: Prepare) -> None:
    folder = project(rows(), {"text_control": "quarantine"})
    path = folder / "prepared/notes/train.jsonl"
    write_jsonl(path, [{**r, "text": r["text"] + "\x07"} for r in read_jsonl(path)])
    with pytest.raises(PlaitError, match=r"rule text_control, count 30"):
        stage()


def test_policy_error_makes_a_warning_stop_the_graph(project: Prepare) -> None:
    table = rows()
    table[0]["topic"] = None
    project(table, {})
    stage()
    project(table, {"label_null": "error"})
    with pytest.raises(PlaitError, match=r"rule label_null, count 1: 1 of 30 train rows"):
        stage()
