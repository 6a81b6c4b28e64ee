"""A disk that is full while a stage runs: what is said is true, and the advice works."""

from pathlib import Path

import pytest

import projects
from plait.errors import PlaitError
from plait.running import graph
from plait.running.processes import Processes


def test_the_old_output_comes_back_by_the_command_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cmd = "if test -e full; then cat train.py > /dev/full; else cat value > model; fi"
    stage = {"cmd": cmd, "outs": ["model"], "deps": ["value"]}
    folder = projects.make(tmp_path / "project", {"train": stage})
    (folder / "value").write_text("old\n")
    projects.dvc(folder, "repro")
    (folder / "value").write_text("new\n")
    (folder / "full").touch()
    monkeypatch.chdir(folder)
    with Processes(folder) as processes, pytest.raises(PlaitError) as error:
        graph.run_stage("train", processes, lambda _: None, lambda _: None)
    said = str(error.value)
    assert said.startswith("train: the disk is full, so the stage could not write (")
    assert "`dvc checkout train` brings them back" in said
    assert not (folder / "model").exists()
    projects.dvc(folder, "checkout", "train")
    assert (folder / "model").read_text() == "old\n"
    (folder / "full").unlink()
    with Processes(folder) as processes:
        graph.run_stage("train", processes, lambda _: None, lambda _: None)
    assert (folder / "model").read_text() == "new\n"
