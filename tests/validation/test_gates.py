"""A critical failure of one dataset stops the candidates that use it, and no others."""

import copy
import io
from pathlib import Path

import pytest
from rich.console import Console

from contenders import SEVERAL
from noted import PARAMS, Rows, rows
from plait import bundle
from plait.errors import PlaitError
from plait.experiment.loading import load
from plait.files import read_json, write_json, write_jsonl
from plait.plans.promotion import promote
from plait.plans.verdict import choose
from plait.preparation.preparing import prepare
from plait.report.screen import show
from plait.stages.benchmark import main as benchmark
from plait.stages.finish import finish
from plait.stages.report import main as report
from plait.stages.request import request
from plait.stages.timing import timing
from plait.stages.train import train
from plait.stages.validate import validate as stage
from reports import Page

REASON = "stopped by validation: dataset bad, rule text_in_train_share"


def project(folder: Path, tables: dict[str, Rows]) -> None:
    """A candidate for each dataset, and one for all."""
    params = copy.deepcopy({**PARAMS, "datasets": {}, "tasks": {}, "candidates": {}})
    params["services"] = {
        name: {"tasks": [name], "plans": {"alone": [f"{name}-floor"], "mixed": ["all"]}}
        for name in tables
    }
    floor = {"backbone": "tfidf", "approach": "linear"}
    for name, table in tables.items():
        params["datasets"][name] = PARAMS["datasets"]["notes"]
        params["tasks"][name] = {"dataset": name, "kind": "classification", "field": "topic"}
        params["candidates"][f"{name}-floor"] = {**floor, "tasks": [name]}
        write_jsonl(folder / "data" / name / "notes.jsonl", table)
    params["candidates"]["all"] = {**floor, "tasks": list(tables)}
    write_json(folder / "params.yaml", params)
    prepare(load(), *(folder / name for name in ("data", "prepared", "inputs", "heldout")))


def leaking() -> Rows:
    table = rows()
    for i in range(5):
        table[30 + i].update(text=f"train note {i} from Rome", places=[])
    return table


def unlike(table: Rows, word: str) -> Rows:
    """The same notes with other texts, so that two datasets share none."""
    return [{**row, "text": f"{row['text']} {word}"} for row in table]


def test_candidates_of_other_datasets_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    project(tmp_path, {"good": unlike(rows(), "today"), "bad": leaking()})
    stage()
    said = capsys.readouterr().out
    assert "1 critical check failed" in said
    assert "Nothing is trained on bad." in said
    assert "  bad, rule text_in_train_share, count 5: 5 of 20 dev rows" in said
    gates = {path.stem: read_json(path) for path in Path("validation/gates").iterdir()}
    failed = [{"dataset": "bad", "rule": "text_in_train_share"}]
    assert gates == {
        "good-floor": {"passed": True, "failed": []},
        "bad-floor": {"passed": False, "failed": failed},
        "all": {"passed": False, "failed": failed},
    }
    train("good-floor")
    assert Path("models/good-floor/bundle.json").is_file()
    for name in ("bad-floor", "all"):
        train(name)
        assert f"{name} is not trained: {REASON}. See" in capsys.readouterr().out
        assert [path.name for path in Path("models", name).iterdir()] == ["stopped.json"]
        with pytest.raises(PlaitError, match=f"no bundle here: the candidate was {REASON}"):
            bundle.load(Path("models", name))


@pytest.fixture
def half_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose stages have all run, with one dataset of two that leaks."""
    monkeypatch.chdir(tmp_path)
    project(tmp_path, {"good": unlike(rows(), "today"), "bad": leaking()})
    stage()
    for name in ("good-floor", "bad-floor", "all"):
        train(name)
        benchmark(name)
        timing(name)
    for service in ("good", "bad"):
        request(service)
    report()
    return tmp_path


def test_the_report_compares_the_others_and_says_what_was_stopped(half_stopped: Path) -> None:
    assert read_json(Path("scores/good-floor.json"))["good"]["accuracy"] > 0
    assert [read_json(Path(f"scores/{name}.json")) for name in ("bad-floor", "all")] == [{}, {}]
    text = Path("report/report.md").read_text(encoding="utf-8")
    page = Page(Path("report/index.html").read_text(encoding="utf-8"))
    for shown in (text.replace("\\", ""), page.words):
        assert "Stopped by validation, so not trained and not compared" in shown
        assert f"bad-floor: {REASON}" in shown
        assert "Plan alone (good-floor) wins: mean headline metric" in shown
        assert f"Out: mixed (candidate all was {REASON})." in shown
        assert f"No plan may be promoted: alone: candidate bad-floor was {REASON}; " in shown
    assert [head for head, *_ in page.tables if "Figure" in head] == [
        ["Figure", "n", "alone wins"],
    ]
    summary = read_json(Path("report/summary.json"))
    assert summary["stopped"] == {"bad-floor": REASON, "all": REASON}
    assert [len(each["plans"]) for each in summary["services"]] == [0, 1]
    stream = io.StringIO()
    show(Console(file=stream, width=100), summary)
    assert f"bad-floor: {REASON}" in stream.getvalue()
    assert "bad: No plan may be promoted." in stream.getvalue()


def test_the_run_ends_as_failed_for_what_was_stopped(half_stopped: Path) -> None:
    with pytest.raises(PlaitError) as caught:
        finish()
    assert str(caught.value).splitlines()[:3] == [
        "2 of 3 candidates were not trained. report/ compares the others.",
        f"  all: {REASON}",
        f"  bad-floor: {REASON}",
    ]
    assert not Path("finished.json").exists()


def test_promotion_goes_on_with_the_others(half_stopped: Path) -> None:
    bad, good = promote(load(), half_stopped)
    assert (good.status, good.record.plan) == ("promoted", "alone")
    assert (bad.status, bad.record.plan) == ("refused", None)
    assert good.record.rejected == {"mixed": f"candidate all was {REASON}"}
    assert bad.record.rejected == {
        "alone": f"candidate bad-floor was {REASON}",
        "mixed": f"candidate all was {REASON}",
    }


def test_no_plan_wins_unbeaten_where_the_floor_was_stopped() -> None:
    found = choose("assistant", [SEVERAL], floor="floor", out={"floor": "stopped"})
    assert found.winner is None
    assert found.rejected == {
        "floor": "stopped",
        "several": "the floor, which it must beat, is out",
    }


def test_a_failure_of_all_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    project(tmp_path, {"worse": unlike(leaking(), "today"), "bad": leaking()})
    with pytest.raises(PlaitError, match="Nothing is trained on this data"):
        stage()


def test_open_gates_are_the_same_whatever_the_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    project(tmp_path, {"good": rows(), "bad": unlike(leaking(), "today")})
    stage()
    first = Path("validation/gates/good-floor.json").read_bytes()
    project(tmp_path, {"good": rows()[1:], "bad": unlike(rows(), "today")})
    stage()
    assert Path("validation/gates/good-floor.json").read_bytes() == first
