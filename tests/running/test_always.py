"""A stage that DVC runs every time: what follows it runs only where its outputs have changed."""

from pathlib import Path

import pytest

import projects
from plait.commands.results import results
from plait.errors import PlaitError
from plait.running import graph
from plait.running.ready import Walk

STAGES: dict[str, object] = {
    "always": {"cmd": "cp source digest", "always_changed": True, "outs": ["digest"]},
    "after": {"cmd": "cp digest copy", "deps": ["digest"], "outs": ["copy"]},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = projects.make(tmp_path / "project", STAGES)
    (folder / "source").write_text("one")
    projects.dvc(folder, "repro")
    monkeypatch.chdir(folder)
    return folder


def started(project: Path) -> list[str]:
    """What a walk asks DVC for, once the stage that always runs has run."""
    projects.dvc(project, "repro", "--single-item", "always")
    walk = Walk(graph.read(project))
    return [address for address in walk.start() if walk.needs_run(address)]


def test_it_has_run_before_the_walk_and_tells_what_changed(project: Path) -> None:
    found = graph.read(project)
    assert found.always == {"always"}
    assert found.changed == set()
    assert started(project) == []
    (project / "source").write_text("two")
    assert started(project) == ["after"]


def test_results_are_not_taken_from_a_run_of_other_code(project: Path) -> None:
    (project / "source").write_text("two")
    with pytest.raises(PlaitError, match=r"^1 stage is not up to date \(after\)"):
        results(project / "out")
