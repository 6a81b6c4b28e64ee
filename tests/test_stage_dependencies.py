"""DVC must see every file that can change a stage's output: code and held-out rows."""

import re
from pathlib import Path
from typing import Any

import pytest

from closure import SOURCE, closure
from plait.approaches.registry import APPROACHES
from plait.stages import ALONE

ROOT = SOURCE.parent
STAGES = sorted(p.stem for p in (SOURCE / "plait/stages").glob("[a-z]*.py"))


@pytest.fixture(scope="module")
def stages() -> list[Any]:
    from dvc.repo import Repo

    with Repo(str(ROOT)) as repo:
        return [stage for stage in repo.index.stages if stage.cmd]


def dependencies(stage: Any) -> list[str]:
    paths = [Path(d.fs_path) for d in stage.deps if not type(d).__name__.startswith("Param")]
    return [path.relative_to(ROOT).as_posix() for path in paths]


def covered(path: str, listed: list[str]) -> bool:
    return any(path == entry or path.startswith(f"{entry}/") for entry in listed)


def module(stage: Any) -> str:
    found = re.search(r"python -m plait\.stages\.(\w+)", stage.cmd)
    assert found, f"{stage.addressing} does not run a stage module: {stage.cmd}"
    return found[1]


def test_every_stage_module_is_in_the_graph(stages: list[Any]) -> None:
    assert sorted({module(stage) for stage in stages}) == STAGES


def test_stages_that_nothing_runs_beside_are_those_whose_threads_may_spin(
    stages: list[Any],
) -> None:
    marked = {module(stage) for stage in stages if (stage.meta or {}).get("alone")}
    assert {f"plait.stages.{name}" for name in marked} == ALONE


def test_dependencies_cover_the_code_that_a_stage_imports(stages: list[Any]) -> None:
    checked = 0
    for stage in stages:
        listed = dependencies(stage)
        own = [name for name in APPROACHES if f"src/plait/approaches/{name}" in listed]
        assert len(own) == (1 if module(stage) in ("train", "benchmark", "timing") else 0)
        for path in closure(f"plait.stages.{module(stage)}", own):
            name = path.relative_to(ROOT).as_posix()
            assert covered(name, listed), f"{stage.addressing} imports {name}, not among its deps"
            checked += 1
    assert checked > 100


def test_listed_code_is_code_that_is_imported(stages: list[Any]) -> None:
    for stage in stages:
        imported = [
            p.relative_to(ROOT).as_posix() for p in closure(f"plait.stages.{module(stage)}")
        ]
        for entry in dependencies(stage):
            if entry.startswith("src/") and entry != "src/plait/templates":
                assert any(covered(path, [entry]) for path in imported), (stage.addressing, entry)


def test_only_benchmark_reaches_held_out_rows(stages: list[Any]) -> None:
    readers = {
        module(stage)
        for stage in stages
        if any(path.split("/")[0] == "heldout" for path in dependencies(stage))
    }
    assert readers == {"benchmark"}
    naming = {
        path.stem
        for path in (SOURCE / "plait/stages").glob("*.py")
        if re.search(r"""["']heldout["'/]""", path.read_text(encoding="utf-8"))
    }
    assert naming == {"benchmark", "prepare"}, "prepare writes held-out rows, benchmark reads them"
