"""What stands in the outputs' places is the current experiment's: switches, on a real DVC project.

Experiment `one` has the candidates `same` and `old`, `two` has `same` and `new`; a score is the
experiment's seed, so that it says whose it is.
"""

import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

import interruptions
import projects
from plait.errors import PlaitError
from plait.experiment import set_aside
from plait.experiment.switching import current, name_or_digest, switch
from plait.running import graph

SCORE = """
import json, pathlib, sys
import yaml
name, *paths = sys.argv[1:]
seed = yaml.safe_load(pathlib.Path("params.yaml").read_text())["seed"]
for path in map(pathlib.Path, paths):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: seed}))
"""
STAGES: dict[str, object] = {
    "fetch": {
        "cmd": "mkdir -p fetched && cp params.yaml fetched/data",
        "params": ["seed"],
        "outs": ["fetched/data"],
    },
    "score": {
        "foreach": "${candidates}",
        "do": {
            "cmd": 'python score.py "${key}" "models/${key}/weights" "scores/${key}.json"',
            "deps": ["score.py"],
            "params": ["seed"],
            "outs": ["models/${key}"],
            "metrics": [{"scores/${key}.json": {"cache": False}}],
        },
    },
}
TIMING: dict[str, object] = {
    "vars": ["../params.yaml"],
    "stages": {
        "timing": {
            "foreach": "${candidates}",
            "do": {
                "wdir": "..",
                "cmd": 'python score.py "${key}" "timings/measured/${key}.json"',
                "deps": ["models/${key}"],
                "metrics": [{"timings/measured/${key}.json": {"cache": False}}],
            },
        }
    },
}
CANDIDATES = {"one": ("same", "old"), "two": ("same", "new")}
SEEDS = {"one": 1, "two": 2}


def experiment(name: str, seed: int, *candidates: str) -> str:
    linear = {"backbone": "tfidf", "approach": "linear", "tasks": ["topic"]}
    notes = {"reader": "table", "files": [{"path": "notes.csv"}], "labels": {"topic": "topic"}}
    params: dict[str, Any] = {
        **projects.EMPTY,
        "name": name,
        "seed": seed,
        "datasets": {"notes": notes},
        "tasks": {"topic": {"dataset": "notes", "kind": "classification", "field": "topic"}},
        "backbones": {"tfidf": {"kind": "none"}},
        "candidates": dict.fromkeys(candidates, linear),
        "services": {"notes": {"tasks": ["topic"], "plans": {"floor": [candidates[0]]}}},
    }
    return yaml.safe_dump(params)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Experiment `one` has run."""
    folder = projects.make(tmp_path_factory.mktemp("template") / "project", STAGES)
    (folder / "score.py").write_text(SCORE)
    (folder / "timings").mkdir()
    (folder / "timings/dvc.yaml").write_text(yaml.safe_dump(TIMING))
    (folder / "experiments").mkdir()
    for name, candidates in CANDIDATES.items():
        text = experiment(name, SEEDS[name], *candidates)
        (folder / "experiments" / f"{name}.yaml").write_text(text)
    shutil.copy(folder / "experiments/one.yaml", folder / "params.yaml")
    projects.dvc(folder, "repro", "--all-pipelines")
    return folder


@pytest.fixture
def root(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(template, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


def metrics(root: Path) -> dict[str, Any]:
    """What `dvc metrics show` has figures of: by file."""
    found = json.loads(projects.dvc(root, "metrics", "show", "--json"))
    files = found.get("", {}).get("data", {})
    return {path: value["data"] for path, value in files.items() if value.get("data")}


def all_of(name: str) -> dict[str, Any]:
    """The metrics of an experiment that has run."""
    return {
        path: {candidate: SEEDS[name]}
        for candidate in CANDIDATES[name]
        for path in (f"scores/{candidate}.json", f"timings/measured/{candidate}.json")
    }


def placed(root: Path) -> dict[str, int]:
    """The files in the outputs' places, and the seed that each was made with."""
    found = [p for top in ("models", "scores", "timings/measured") for p in (root / top).rglob("*")]
    seeds = {
        path.relative_to(root).as_posix(): next(iter(json.loads(path.read_text()).values()))
        for path in found
        if path.is_file() and path.name != ".gitignore"
    }
    if (root / "fetched/data").is_file():
        seeds["fetched/data"] = yaml.safe_load((root / "fetched/data").read_text())["seed"]
    return seeds


def test_metrics_are_the_current_experiment_s_there_and_back(root: Path) -> None:
    before = placed(root)
    assert metrics(root) == all_of("one")
    switch(root, "two")
    assert (current(root), metrics(root), placed(root)) == ("two", {}, {})
    projects.dvc(root, "repro", "--all-pipelines")
    assert metrics(root) == all_of("two")
    assert set(placed(root).values()) == {2}
    switch(root, "one")
    assert metrics(root) == all_of("one")
    assert placed(root) == before
    switch(root, "two")
    assert metrics(root) == all_of("two")
    projects.dvc(root, "repro", "--all-pipelines")
    assert metrics(root) == all_of("two")


def test_switching_to_the_experiment_in_place_moves_nothing(root: Path) -> None:
    before = placed(root)
    switch(root, "one")
    assert placed(root) == before
    assert not (root / set_aside.FOLDER).exists()


def test_what_the_cache_has_is_restored_where_set_aside_was_deleted(root: Path) -> None:
    before = placed(root)
    switch(root, "two")
    projects.dvc(root, "repro", "--all-pipelines")
    shutil.rmtree(root / set_aside.FOLDER)
    switch(root, "one")
    assert placed(root) == {}
    printed = projects.dvc(root, "repro", "--all-pipelines")
    assert "Running stage" not in printed
    assert placed(root) == before


def test_hand_edits_have_outputs_of_their_own(root: Path) -> None:
    (root / "params.yaml").write_text(experiment("mine", 3, "same", "mine"))
    edited = name_or_digest(root)
    assert edited.startswith("edited-")
    projects.dvc(root, "repro", "--all-pipelines")
    switch(root, "two", overwrite=True)
    assert metrics(root) == {}
    aside = root / set_aside.FOLDER / edited
    assert json.loads((aside / "scores/mine.json").read_text()) == {"mine": 3}
    assert json.loads((aside / "scores/same.json").read_text()) == {"same": 3}
    switch(root, "one")
    assert 3 not in placed(root).values()


def test_saved_edits_find_their_outputs_again(root: Path) -> None:
    (root / "params.yaml").write_text(experiment("mine", 3, "same", "mine"))
    projects.dvc(root, "repro", "--all-pipelines")
    before = metrics(root)
    shutil.copy(root / "params.yaml", root / "experiments/mine.yaml")
    switch(root, "two")
    switch(root, "mine")
    assert before["scores/mine.json"] == {"mine": 3}
    assert metrics(root) == before


def test_imports_stay(root: Path) -> None:
    (root / "data").mkdir()
    (root / "data/rows").write_text("rows")
    (root / "data.dvc").write_text(yaml.safe_dump({"outs": [{"path": "data"}]}))
    lock = yaml.safe_load((root / "dvc.lock").read_text())
    lock["stages"]["old-fetch"] = {"cmd": "", "outs": [{"path": "data"}, {"path": "data/rows"}]}
    lock["stages"]["stray"] = {"cmd": "", "outs": [{"path": "../else"}, {"path": "/etc/passwd"}]}
    (root / "dvc.lock").write_text(yaml.safe_dump(lock))
    (root.parent / "else").write_text("not ours")
    known = set_aside.outputs(root)
    assert {Path("fetched/data"), Path("models/old"), Path("timings/measured/old.json")} <= {*known}
    assert not {p for p in known if p.parts[0] in ("data", "..", "/")}
    switch(root, "two")
    assert (root / "data/rows").exists()
    assert (root.parent / "else").exists()


def test_a_kill_between_any_two_moves_leaves_nothing_of_another_experiment(
    root: Path, tmp_path: Path
) -> None:
    switch(root, "two")
    projects.dvc(root, "repro", "--all-pipelines")
    switch(root, "one")
    steps = 0
    for at in range(1000):
        project = tmp_path / f"killed-{at}"
        shutil.copytree(root, project, symlinks=True)
        killed = interruptions.killed_before(at, partial(switch, project, "two"))
        seed = SEEDS[str(current(project))]
        assert set(placed(project).values()) <= {seed}, f"killed before step {at}"
        if not killed:
            break
        steps += 1
        switch(project, "two")  # given again, it goes on
        assert set(placed(project)) == {*placed(root)} - _of("old") | _of("new")
        assert set(placed(project).values()) == {2}
        switch(project, "one")
        assert placed(project) == placed(root)
    assert steps >= 2 * len(placed(root))


def _of(candidate: str) -> set[str]:
    return {
        f"models/{candidate}/weights",
        f"scores/{candidate}.json",
        f"timings/measured/{candidate}.json",
    }


def test_outputs_that_no_stage_declares_any_more_are_set_aside(root: Path) -> None:
    (root / "params.yaml").write_text(experiment("one", 1, "same", "renamed"))
    stages = graph.read(root).stages.values()
    declared = [Path(os.path.relpath(out, root)) for stage in stages for out in stage.outs]
    moved = set_aside.move_removed(root, declared)
    assert {*map(str, moved)} == {
        "models/old", "scores/old.json", "timings/measured/old.json",
    }  # fmt: skip
    assert (root / set_aside.REMOVED / "models/old/weights").exists()
    assert metrics(root) == {path: value for path, value in all_of("one").items() if "same" in path}
    assert set_aside.move_removed(root, declared) == []


def test_an_output_that_can_t_be_moved_is_named(root: Path) -> None:
    (root / ".plait").mkdir(exist_ok=True)
    (root / set_aside.FOLDER).write_text("in the way")
    with pytest.raises(PlaitError, match=r"fetched/data: can't be moved to .*: Not a directory"):
        switch(root, "two")
    assert (current(root), set(placed(root).values())) == ("one", {1})
