"""Experiments take the place of params.yaml; hand edits are not lost unasked."""

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import projects
from plait.commands import configure as command
from plait.errors import PlaitError
from plait.experiment.switching import current, has_hand_edits, names, switch


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that runs experiment `default` and has another, `small`."""
    (tmp_path / "experiments").mkdir()
    text = (projects.REPOSITORY / "experiments" / "default.yaml").read_text()
    (tmp_path / "experiments" / "default.yaml").write_text(text)
    (tmp_path / "experiments" / "small.yaml").write_text(named("small", text))
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    (tmp_path / "params.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(name: str, text: str) -> str:
    """The default experiment under another name."""
    return text.replace("name: default", f"name: {name}")


def edit(root: Path) -> str:
    """Edit params.yaml by hand; its new text."""
    path = root / "params.yaml"
    path.write_text(path.read_text() + "# a note of mine\n")
    return path.read_text()


def test_an_experiment_is_copied_byte_for_byte(root: Path) -> None:
    assert (names(root), current(root)) == (["default", "small"], "default")
    switch(root, "small")
    copied, wanted = root / "params.yaml", root / "experiments" / "small.yaml"
    assert copied.read_bytes() == wanted.read_bytes()
    assert current(root) == "small"
    assert not has_hand_edits(root)


def test_params_yaml_is_made_where_there_is_none(root: Path) -> None:
    (root / "params.yaml").unlink()
    command.configure("small")
    assert current(root) == "small"


def test_an_unknown_experiment_is_refused_with_a_guess(root: Path) -> None:
    with pytest.raises(PlaitError, match=r"experiments/smal\.yaml: no such .* mean 'small'\?"):
        switch(root, "smal")


@pytest.mark.parametrize("name", ["../params", "/etc/passwd", ""])
def test_an_experiment_is_a_name_and_not_a_path(root: Path, name: str) -> None:
    with pytest.raises(PlaitError, match="no such experiment"):
        switch(root, name)


def test_an_experiment_with_mistakes_is_refused_and_params_yaml_stays(root: Path) -> None:
    before = (root / "params.yaml").read_bytes()
    path = root / "experiments" / "small.yaml"
    path.write_text(path.read_text().replace("epochs:", "epoch:"))
    with pytest.raises(PlaitError, match=r"(?s)small\.yaml.*epoch.*did you mean 'epochs'"):
        switch(root, "small")
    assert (root / "params.yaml").read_bytes() == before


def test_hand_edits_are_refused_with_the_ways_out(root: Path) -> None:
    mine = edit(root)
    with pytest.raises(PlaitError) as refused:
        command.configure("small")
    assert str(refused.value).startswith("params.yaml: found hand edits")
    for way in ("cp params.yaml experiments/mine.yaml", "--overwrite", "--keep", "default, small"):
        assert way in str(refused.value)
    assert (root / "params.yaml").read_text() == mine


@pytest.mark.parametrize("line", ["name: default\n", ""])
def test_an_experiment_has_the_name_of_its_file(root: Path, line: str) -> None:
    path = root / "experiments" / "small.yaml"
    path.write_text(path.read_text().replace("name: small\n", line))
    with pytest.raises(PlaitError) as refused:
        switch(root, "small")
    found = "'default'" if line else "none"
    assert str(refused.value) == (
        f"{path}: 1 mistake(s)\n  name: found {found}, expected 'small', as the file is called: "
        "champions belong to an experiment by its name. Write `name: small`, or rename the file"
    )
    assert current(root) == "default"


def test_edits_that_were_saved_as_an_experiment_are_no_hand_edits(root: Path) -> None:
    (root / "params.yaml").write_text(named("mine", edit(root)))
    shutil.copy(root / "params.yaml", root / "experiments" / "mine.yaml")
    switch(root, "small")
    assert current(root) == "small"


def test_keep_and_overwrite(root: Path) -> None:
    mine = edit(root)
    command.configure("small", keep=True)
    assert (root / "params.yaml").read_text() == mine
    command.configure("small", overwrite=True)
    assert current(root) == "small"
    with pytest.raises(PlaitError, match="found both"):
        command.configure("default", overwrite=True, keep=True)


@pytest.mark.parametrize(("answer", "experiment"), [(b"y\n", "small"), (b"n\n", None)])
def test_a_person_is_asked(root: Path, answer: bytes, experiment: str | None) -> None:
    edit(root)
    keyboard, terminal = pty.openpty()
    os.write(keyboard, answer)
    code = "from plait.commands.configure import configure; configure('small')"
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=terminal, capture_output=True, text=True, check=True
    )
    os.close(keyboard)
    os.close(terminal)
    assert "params.yaml has hand edits. Drop them for experiments/small.yaml?" in done.stdout
    assert current(root) == experiment


def test_outside_of_a_project_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    with pytest.raises(PlaitError, match=r"no dvc\.yaml here\. Run plait in the project's top"):
        command.configure("small")
