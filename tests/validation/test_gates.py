"""A critical failure of one dataset stops the candidates that use it, and no others."""

import copy
from pathlib import Path

import pytest

from noted import PARAMS, Rows, rows
from plait.errors import PlaitError
from plait.experiment.loading import load
from plait.files import read_json, write_json, write_jsonl
from plait.preparation.preparing import prepare
from plait.stages.train import train
from plait.stages.validate import validate as stage


def project(folder: Path, tables: dict[str, Rows]) -> None:
    """A candidate for each dataset, and one for all."""
    params = copy.deepcopy({**PARAMS, "datasets": {}, "tasks": {}, "candidates": {}})
    params["services"] = {}
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
    assert gates == {
        "good-floor": {"passed": True, "failed": []},
        "bad-floor": {"passed": False, "failed": ["bad"]},
        "all": {"passed": False, "failed": ["bad"]},
    }
    train("good-floor")
    assert Path("models/good-floor").is_dir()
    for name in ("bad-floor", "all"):
        with pytest.raises(PlaitError, match=rf"'{name}' is not trained: critical .* of bad fail"):
            train(name)
        assert not Path("models", name).exists()


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
