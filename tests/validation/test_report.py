"""The stage, its files, the page and the command, on data that the real `prepare` has written."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import typer

from noted import PARAMS, Rows, rows
from plait.commands.validate import validate as command
from plait.datasets.massive import Massive
from plait.errors import PlaitError
from plait.experiment.loading import check, load
from plait.files import read_json, write_json, write_jsonl
from plait.preparation.preparing import prepare
from plait.stages.validate import validate as stage
from plait.validation.pictures import LABELS, length_picture, support_picture
from plait.validation.validating import validate as check_prepared
from raw import Raw, needs_mirror, raw

__all__ = ["raw"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Rows], Path]:
    """Prepare rows of a table in a project of their own, which becomes the working folder."""

    def start(table: Rows) -> Path:
        monkeypatch.chdir(tmp_path)
        write_json(tmp_path / "params.yaml", PARAMS)
        (tmp_path / "dvc.yaml").write_text("stages: {}\n")
        write_jsonl(tmp_path / "data/notes/notes.jsonl", table)
        folders = (tmp_path / name for name in ("data", "prepared", "inputs", "heldout"))
        prepare(load(), *folders)
        return tmp_path

    return start


def spoil_prepared(folder: Path, split: str, i: int, **parts: Any) -> None:
    """Change a prepared row behind the reader's back."""
    path = folder / f"prepared/notes/{split}.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[i].update(parts)
    write_jsonl(path, lines)


def test_healthy_data_opens_the_gate(project: Callable[[Rows], Path]) -> None:
    folder = project(rows())
    stage()
    assert {path.name for path in (folder / "validation").iterdir()} == {
        "report.json", "index.html", "summary.md", "leaks.json", "gates",
    }  # fmt: skip
    assert read_json(folder / "validation/gates/floor.json") == {"passed": True, "failed": []}
    report = read_json(folder / "validation/report.json")
    assert report["verdict"] == "passed"
    assert report["datasets"]["notes"]["rows"] == {"train": 30, "dev": 20, "heldout": 20}
    assert report["datasets"]["notes"]["support"]["places"] == [
        {"name": "city", "train": 30, "dev": 20, "heldout": 20}
    ]
    assert {"least": 16, "train": 30, "dev": 20, "heldout": 20} in report["datasets"]["notes"][
        "lengths"
    ]


def test_label_without_train_rows_is_a_warning_and_the_run_goes_on(
    project: Callable[[Rows], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    table = rows()
    table[-1]["topic"] = table[31]["topic"] = "music"
    folder = project(table)
    stage()
    assert "Passed with 3 warnings" in capsys.readouterr().out
    assert read_json(folder / "validation/gates/floor.json")["passed"]
    failed = [r for r in read_json(folder / "validation/report.json")["results"] if not r["passed"]]
    assert [(r["rule"], r["split"], r["rows"]) for r in failed] == [
        ("label_unseen", "dev", ["dev-1"]),
        ("label_unseen", "heldout", ["heldout-19"]),
        ("label_support", "train", ["music"]),
    ]


def test_critical_failure_closes_the_gate_and_says_why(project: Callable[[Rows], Path]) -> None:
    folder = project(rows())
    stage()
    spoil_prepared(folder, "train", 4, text="\x00 note")
    with pytest.raises(PlaitError) as error:
        stage()
    failed = [{"dataset": "notes", "rule": rule} for rule in ("span_outside", "text_nul")]
    closed = {"passed": False, "failed": failed}
    assert read_json(folder / "validation/gates/floor.json") == closed
    lines = str(error.value).splitlines()
    assert "2 critical checks failed" in lines[0]
    assert lines[0].endswith("Nothing is trained on this data.")
    assert lines[1] == (
        "  notes, rule text_nul, count 1: 1 of 30 train rows have a NUL character in their text. "
        "Remove the character from the source. For example: train-4."
    )
    assert lines[2].startswith("  notes, rule span_outside, count 1: 1 of 30 train spans")
    assert lines[3] == "See validation/index.html."


def test_long_lists_of_failures_are_cut(project: Callable[[Rows], Path]) -> None:
    folder = project(rows())
    spoil_prepared(folder, "dev", 0, id=None)
    spoil_prepared(folder, "dev", 1, text=None)
    spoil_prepared(folder, "dev", 2, text=" ")
    spoil_prepared(folder, "dev", 3, text="a\0b")
    spoil_prepared(folder, "dev", 4, more="a key")
    spoil_prepared(folder, "dev", 5, id="dev-6")
    with pytest.raises(PlaitError, match=r"rule id_null, count 1") as error:
        stage()
    lines = str(error.value).splitlines()
    assert len(lines) == 8
    assert re.fullmatch(r"  and \d+ more", lines[6])


def test_same_data_gives_the_same_bytes(project: Callable[[Rows], Path]) -> None:
    folder = project(rows())
    stage()
    first = {path.name: path.read_bytes() for path in (folder / "validation").rglob("*.*")}
    stage()
    assert first == {path.name: path.read_bytes() for path in (folder / "validation").rglob("*.*")}
    assert not any(str(folder).encode() in data for data in first.values())


class _Page(HTMLParser):
    """Collects what a browser would load, run and show."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.tags: list[str] = []
        self.shown = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.shown += data


def test_page_stands_alone_and_escapes_what_it_shows(project: Callable[[Rows], Path]) -> None:
    table = rows()
    table[0]["id"] = "<script>alert(1)</script>"
    table[0]["topic"] = "<b>odd</b>"
    folder = project(table)
    stage()
    text = (folder / "validation/index.html").read_text()
    page = _Page(text)
    assert set(page.loaded) == {"data:,", "#notes"}
    assert not {"script", "link rel=stylesheet", "img"} & set(page.tags)
    assert "url(" not in text
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    assert page.shown.count("<b>odd</b>") >= 2
    assert "Passed with 1 warning, of" in page.shown
    assert "1 of 3 labels of topic have fewer than 5 train rows" in page.shown
    assert page.tags.count("svg") == 3


def test_command_shows_failures_and_exits_with_2(
    project: Callable[[Rows], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    table = rows()
    table[0]["topic"] = table[30]["topic"] = "[red]odd[/red]"
    folder = project(table)
    command()
    shown = capsys.readouterr().out
    assert "label_support" in shown
    assert "[red]odd[/red]" in shown
    assert "Page: validation/index.html" in shown
    spoil_prepared(folder, "dev", 0, id=None)
    with pytest.raises(typer.Exit) as exit_:
        command()
    assert exit_.value.exit_code == 2
    shown = capsys.readouterr().out
    assert "id_null" in shown
    assert "line 1" in shown


def test_stage_opens_no_connection_and_exits_with_2(project: Callable[[Rows], Path]) -> None:
    folder = project(rows())
    spoil_prepared(folder, "dev", 3, text=" ")
    guard = folder / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(
        "import socket\n"
        "def refuse(*arguments):\n"
        "    print('CONNECTS', arguments)\n"
        "    raise OSError('no network in this test')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "plait.stages.validate"],
        env={**os.environ, "PYTHONPATH": str(guard)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "CONNECTS" not in done.stdout + done.stderr
    assert done.stderr.startswith("error: Failed: of ")
    assert "rule text_empty, count 1: 1 of 20 dev rows" in done.stderr
    assert "Traceback" not in done.stderr


def test_pictures_name_few_labels_and_keep_bars_inside() -> None:
    many = [{"name": f"label {i:03}", "train": i, "dev": 0, "heldout": 0} for i in range(100)]
    drawn = support_picture(many)
    assert len(drawn.bars) == LABELS
    assert (drawn.bars[0].name, drawn.bars[-1].name) == ("label 099", "label 000")
    assert "76 between them" in drawn.note
    lengths = length_picture(
        [{"least": 1, "train": 3, "dev": 0}, {"least": 2, "train": 1, "dev": 2}]
    )
    assert [bar.number for bar in lengths.bars] == ["75.0%", "0.0%", "25.0%", "100.0%"]
    assert all(0 <= bar.width <= 170 for bar in (*drawn.bars, *lengths.bars))
    assert support_picture([]).bars == length_picture([]).bars == ()


def test_page_links_failures_to_rows_and_shows_clusters(project: Callable[[Rows], Path]) -> None:
    table = rows()
    table[31].update(text="TRAIN note 5 from Rome <i>", places=[])
    table[5].update(text="train note 5 from Rome, i", places=[])
    table[-1].update(text="Train note 5 from Rome: i", places=[])
    folder = project(table)
    stage()
    text = (folder / "validation/index.html").read_text()
    page = _Page(text)
    assert "#notes-row-0" in page.loaded
    assert 'id="notes-row-0"' in text
    assert "TRAIN note 5 from Rome <i>" in page.shown
    assert "3 rows are in 1 clusters" in page.shown
    assert "Held-out row: validation does not read its text." in page.shown
    report = read_json(folder / "validation/report.json")
    (cluster,) = report["datasets"]["notes"]["clusters"]["examples"]
    assert [(m["split"], m["id"]) for m in cluster["members"]] == [
        ("train", "train-5"),
        ("dev", "dev-1"),
        ("heldout", "heldout-19"),
    ]
    assert cluster["members"][2]["text"] is None
    assert read_json(folder / "validation/leaks.json") == {
        "notes": {"exact": [], "near": ["heldout-19"]}
    }


def test_summary_says_the_verdict_and_what_failed(project: Callable[[Rows], Path]) -> None:
    table = rows()
    table[0]["topic"] = table[30]["topic"] = "*odd*"
    folder = project(table)
    stage()
    summary = (folder / "validation/summary.md").read_text()
    assert summary.startswith("**Passed with 1 warning, of ")
    assert "- **warning** notes, `label\\_support`" not in summary
    assert "- **warning** notes, `label_support`: 1 of 3 labels of topic have" in summary


def test_accepted_version_is_what_later_ones_are_compared_with(
    project: Callable[[Rows], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(rows())
    command(accept=True)
    assert "Accepted: accepted.json. Commit it." in capsys.readouterr().out
    assert read_json(folder / "accepted.json")["notes"]["labels"]["topic"] == {
        "news": 15,
        "sport": 15,
    }
    stage()
    table = rows()
    for row in table:
        row["topic"] = "sport" if row["id"].endswith(("1", "3", "5")) else row["topic"]
    project(table)
    stage()
    report = read_json(folder / "validation/report.json")
    (failed,) = [r for r in report["results"] if not r["passed"]]
    assert (failed["rule"], failed["rows"]) == ("label_drift", ["the last accepted version"])
    (folder / "accepted.json").write_text('{"notes": 3}')
    with pytest.raises(PlaitError, match=r"accepted\.json: found 1 mistake.*--accept"):
        stage()


def test_data_that_fails_is_not_accepted(project: Callable[[Rows], Path]) -> None:
    folder = project(rows())
    spoil_prepared(folder, "dev", 0, id=None)
    with pytest.raises(typer.Exit):
        command(accept=True)
    assert not (folder / "accepted.json").exists()


@needs_mirror
def test_untrained_intents_of_massive_are_a_warning(raw: Raw, tmp_path: Path) -> None:
    reader = Massive(reader="massive")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "massive").symlink_to(raw.folder(reader))
    params = {
        **PARAMS,
        "datasets": {"massive": {"reader": "massive"}},
        "tasks": {
            "intent": {"dataset": "massive", "kind": "classification", "field": "intent"},
            "slots": {"dataset": "massive", "kind": "tagging", "field": "slots"},
        },
        "candidates": {},
        "services": {},
    }
    experiment = check(params, "params.yaml")
    prepare(experiment, *(tmp_path / name for name in ("raw", "prepared", "inputs", "heldout")))
    report = check_prepared(
        tmp_path / "prepared", experiment.declared_tasks(), experiment.validation
    )
    assert report.verdict == "warnings", report.failed("critical")
    unseen = [r for r in report.failed("warning") if r.rule == "label_unseen"]
    named = " ".join(result.sentence for result in unseen)
    for intent in ("audio_volume_other", "cooking_query", "general_greet", "music_dislikeness"):
        assert intent in named
