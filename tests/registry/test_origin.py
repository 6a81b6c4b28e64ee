"""Origin: revision, altered files, environment and who, as they are."""

import getpass
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from plait.files import sha256
from plait.machine import processor
from plait.registry.origin import environment, source, stamp, who


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A committed project in a subfolder of its repository, with a stage's output in git."""
    folder = tmp_path / "sub"
    (folder / "scores").mkdir(parents=True)
    (folder / "params.yaml").write_text("seed: 1\n")
    (folder / "scores/a.json").write_text("{}")
    (folder / "dvc.lock").write_text("stages: {b@a: {outs: [{path: scores/a.json}]}}\n")
    (tmp_path / "beside.txt").write_text("1")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return folder


def git(folder: Path, *arguments: str) -> str:
    own = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(
        ["git", "-C", str(folder), *own, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_clean_project(project: Path) -> None:
    assert source(project) == {
        "revision": git(project, "rev-parse", "HEAD"),
        "changed": [],
        "dvc_lock": sha256(project / "dvc.lock"),
        "params": sha256(project / "params.yaml"),
    }


def test_what_stages_write_is_no_change_and_what_people_write_is(project: Path) -> None:
    (project / "scores/a.json").write_text("{ }")
    (project / "dvc.lock").write_text((project / "dvc.lock").read_text() + "\n")
    (project.parent / "beside.txt").write_text("2")  # of another project
    assert source(project)["changed"] == []
    (project / "params.yaml").write_text("seed: 2\n")
    (project / "scores/b.json").write_text("{}")
    git(project, "add", "scores/b.json")
    assert source(project)["changed"] == ["params.yaml", "scores/b.json"]


def test_without_git_nothing_is_claimed(tmp_path: Path) -> None:
    assert source(tmp_path) == {"revision": None, "changed": None, "dvc_lock": None, "params": None}


def test_the_environment_is_this_one() -> None:
    found = environment()
    for name in ("torch", "dvc", "prefect", "numpy"):
        assert found["packages"][name] == version(name)
    assert found["python"] == platform.python_version()
    assert found["processor"] == processor()


def test_who_is_gits_user_or_the_systems(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    machine = platform.node()
    assert who(project) == f"{getpass.getuser()} ({machine})"
    git(project, "config", "user.name", "Ann")
    assert who(project) == f"Ann ({machine})"
    git(project, "config", "user.email", "ann@example.org")
    assert who(project) == f"ann@example.org ({machine})"


def test_a_stamp_has_the_time_in_utc(project: Path) -> None:
    found = stamp(project)
    assert set(found) == {"source", "environment", "who", "time"}
    age = datetime.now(UTC) - datetime.fromisoformat(found["time"])
    assert abs(age.total_seconds()) < 60
