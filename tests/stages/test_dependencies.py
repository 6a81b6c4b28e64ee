"""DVC must see all that can change a stage's output: code and held-out rows."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import projects
from plait.code import PACKAGE
from plait.stages import ALONE
from plait.stages.code import OF_A_CANDIDATE

ROOT = projects.REPOSITORY
STAGES = sorted(p.stem for p in (PACKAGE / "stages").glob("[a-z]*.py"))


@pytest.fixture(scope="module")
def stages() -> list[Any]:
    from dvc.repo import Repo

    with Repo(str(ROOT)) as repo:
        return [stage for stage in repo.index.stages if stage.cmd]


def dependencies(stage: Any) -> list[str]:
    paths = [Path(d.fs_path) for d in stage.deps if not type(d).__name__.startswith("Param")]
    return [path.relative_to(ROOT).as_posix() for path in paths]


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


def test_every_stage_depends_on_the_digest_of_its_own_code(stages: list[Any]) -> None:
    for stage in stages:
        name = module(stage)
        listed = [path for path in dependencies(stage) if path.startswith("digests")]
        own = f"{name}/{stage.name.partition('@')[2]}" if name in OF_A_CANDIDATE else name
        assert listed == ([] if name == "code" else [f"digests/{own}"])
        assert not [path for path in dependencies(stage) if path.startswith("src")]


def test_only_benchmark_reaches_held_out_rows(stages: list[Any]) -> None:
    readers = {
        module(stage)
        for stage in stages
        if any(path.split("/")[0] == "heldout" for path in dependencies(stage))
    }
    assert readers == {"benchmark"}
    naming = {
        path.stem
        for path in (PACKAGE / "stages").glob("*.py")
        if re.search(r"""["']heldout["'/]""", path.read_text(encoding="utf-8"))
    }
    assert naming == {"benchmark", "prepare"}, "prepare writes held-out rows, benchmark reads them"


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smoke experiment as if it had been run: every output is there, and DVC knows it."""
    from dvc.repo import Repo

    tree = projects.working_tree(tmp_path_factory.mktemp("committed"), "smoke")
    repro(tree, "code")
    with Repo(str(tree)) as repo:
        for out in repo.index.outs:
            path = Path(out.fs_path)
            if path.name == "digests":
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}") if path.suffix == ".json" else path.mkdir(exist_ok=True)
        for dependency in repo.index.deps:
            path = Path(dependency.fs_path)
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("{}")
    projects.dvc(tree, "commit", "--force")
    return tree


def repro(tree: Path, *targets: str, dry: bool = False) -> str:
    return subprocess.run(
        [sys.executable, "-P", "-m", "dvc", "repro", *(["--dry"] if dry else []), *targets],
        cwd=tree,
        check=True,
        capture_output=True,
        text=True,
        env={
            "PATH": str(Path(sys.executable).parent),
            "PYTHONPATH": str(tree / "src"),
            "DVC_NO_ANALYTICS": "1",
        },
    ).stdout


def stages_to_run(tree: Path) -> set[str]:
    """The stages besides `code` that `dvc repro` would run now."""
    repro(tree, "code")
    found = re.findall(r"Running stage '([^']+)'", repro(tree, dry=True))
    return set(found) - {"code"}


def test_a_name_and_gates_train_and_score_nothing_again(committed: Path) -> None:
    path = committed / "params.yaml"
    before = path.read_text()
    gated = before.replace(
        "    floor: floor\n",
        "    floor: floor\n    gates: {tasks: {intent: 0.1}, calibration: 0.5}\n    looks: 9\n",
    )
    assert gated != before
    path.write_text(gated.replace("name: smoke", "name: other"))
    found = stages_to_run(committed)
    path.write_text(before)
    assert found == {"timings/dvc.yaml:request@assistant", "timings/dvc.yaml:report"}


def test_dvc_runs_nothing_for_a_comment_and_no_linear_candidate_for_lora(committed: Path) -> None:
    assert stages_to_run(committed) == set()
    for path in (committed / "src").rglob("*.py"):
        path.write_text(f"# a comment\n{path.read_text()}")
    assert stages_to_run(committed) == set()
    (lora,) = (committed / "src").rglob("methods/lora.py")
    lora.write_text(lora.read_text() + "\nMORE = 1\n")
    assert not [stage for stage in stages_to_run(committed) if "tfidf" in stage]
    (linear,) = (committed / "src").rglob("approaches/linear/model.py")
    linear.write_text(linear.read_text() + "\nMORE = 1\n")
    assert "train@tfidf-intent" in stages_to_run(committed)
