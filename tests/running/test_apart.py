"""Runs in a worktree of their own: a person's tree stays, and a branch comes back."""

import os
import subprocess
from datetime import datetime, tzinfo
from pathlib import Path

import pytest

import projects
from plait.errors import PlaitError
from plait.registry.git import git
from plait.registry.location import registry_folder
from plait.running.apart import come_back, prepare, workplace

STAGES: dict[str, object] = {
    "upper": {"cmd": "tr a-z A-Z < words > upper", "deps": ["words"], "outs": ["upper"]},
    "count": {
        "cmd": "mkdir -p scores; wc -c < upper > scores/count.json",
        "deps": ["upper"],
        "metrics": [{"scores/count.json": {"cache": False}}],
    },
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A committed project that was not run yet."""
    folder = projects.make(tmp_path / "project", STAGES)
    (folder / "words").write_text("one")
    (folder / ".gitignore").write_text(".plait/\n/upper\n")
    for name, value in {"name": "An Engineer", "email": "engineer@example.org"}.items():
        git(folder, "config", f"user.{name}", value)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "A project")


def run(root: Path) -> tuple[Path, str | None]:
    """A run apart; the worktree, and the branch that came back."""
    with workplace(root, "nightly", lambda: None) as folder:
        assert Path.cwd() == folder.resolve()
        projects.dvc(folder, "repro")
        return folder, come_back(root, folder, "Nightly run")


def test_a_branch_has_what_changed_and_the_persons_tree_stays(root: Path) -> None:
    (root / "words").write_text("not committed")
    (root / "notes").write_text("mine")
    before, head = git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")
    here = Path.cwd()
    folder, branch = run(root)
    assert Path.cwd() == here
    assert branch is not None
    assert branch.startswith("plait/runs/edited-")
    assert git(root, "status", "--porcelain") == before
    assert git(root, "rev-parse", "HEAD") == head
    assert not (root / "upper").exists()
    changed = git(root, "diff", "--name-only", head, branch).splitlines()
    assert changed == ["dvc.lock", "scores/count.json"]
    assert git(root, "show", f"{branch}:scores/count.json").strip() == "3"
    assert registry_folder(folder) == registry_folder(root)


def test_a_merge_and_a_checkout_bring_the_outputs(root: Path) -> None:
    _, branch = run(root)
    git(root, "merge", "-q", str(branch))
    projects.dvc(root, "checkout")
    assert (root / "upper").read_text() == "ONE"
    assert "up to date" in projects.dvc(root, "repro")


def test_a_run_that_changes_nothing_leaves_no_branch(root: Path) -> None:
    _, branch = run(root)
    git(root, "merge", "-q", str(branch))
    assert run(root)[1] is None
    assert len(git(root, "branch", "--list", "plait/runs/*").splitlines()) == 1


def test_the_next_run_works_on_the_new_commit_whatever_was_left(root: Path) -> None:
    folder, _ = run(root)
    (folder / "words").write_text("left by a kill")
    (folder / "stray").write_text("left by a kill")
    (folder / ".plait/checkpoints").mkdir(parents=True)
    Path(git(folder, "rev-parse", "--absolute-git-dir"), "index.lock").touch()
    (root / "words").write_text("other")
    commit(root)
    again, branch = run(root)
    assert again == folder
    assert git(root, "show", f"{branch}:scores/count.json").strip() == "5"
    assert not (folder / "stray").exists()
    assert (folder / ".plait/checkpoints").is_dir()


def test_runs_that_end_in_one_second_have_a_branch_each(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Stopped":
            return cls(2026, 12, 1, 3, tzinfo=tz)

    monkeypatch.setattr("plait.running.apart.datetime", Stopped)
    branches = [run(root)[1] for _ in range(3)]
    assert str(branches[0]).endswith("-2026-12-01T030000")
    assert branches[1:] == [f"{branches[0]}-2", f"{branches[0]}-3"]


def test_a_worktree_that_was_removed_by_hand_is_made_again(root: Path) -> None:
    folder, _ = run(root)
    subprocess.run(["rm", "-r", str(folder)], check=True)
    assert run(root)[0] == folder


def test_without_an_identity_the_commit_is_plaits(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("name", "email"):
        git(root, "config", "--unset", f"user.{name}")
    monkeypatch.setenv("HOME", str(root.parent))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("EMAIL", "")
    git(root, "config", "user.useConfigOnly", "true")
    _, branch = run(root)
    assert git(root, "show", "-s", "--format=%cn", str(branch)) == "plait"


def test_without_a_commit_there_is_nothing_to_run(tmp_path: Path) -> None:
    folder = projects.make(tmp_path / "project", STAGES)
    with pytest.raises(PlaitError, match=r"found no git commit, expected one: .*--in-place"):
        prepare(folder, "nightly")


def test_the_worktrees_own_code_runs_there(root: Path) -> None:
    (root / "src/plait").mkdir(parents=True)
    (root / "src/plait/__init__.py").touch()
    commit(root)
    before = os.environ.get("PYTHONPATH")
    with workplace(root, "nightly", lambda: None) as folder:
        assert os.environ["PYTHONPATH"].split(os.pathsep)[0] == str(folder / "src")
    assert os.environ.get("PYTHONPATH") == before
