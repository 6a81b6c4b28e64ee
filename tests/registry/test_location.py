"""Where the registry lies, and that git, make and DVC can't take it."""

import os
import subprocess
from pathlib import Path

import pytest

import projects
from plait.errors import PlaitError
from plait.registry.location import VARIABLE, registry_folder
from plait.registry.store import Registry
from registries import contents, crown


def git(folder: Path, *arguments: str) -> str:
    own = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", "-C", str(folder), *own, *arguments], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "params.yaml").write_text("seed: 1\n")
    (folder / ".gitignore").write_text("/models\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def test_without_git_it_lies_in_the_project(tmp_path: Path) -> None:
    assert registry_folder(tmp_path) == tmp_path / "registry"


def test_in_a_repository_it_lies_in_gits_folder(repository: Path) -> None:
    assert registry_folder(repository) == repository / ".git/plait/registry"
    assert registry_folder(repository / "a/b") == repository / ".git/plait/a/b/registry"


def test_all_worktrees_share_it(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "../other")
    assert (tmp_path / "other/.git").is_file()
    crown(repository, "a")
    assert registry_folder(tmp_path / "other").resolve() == registry_folder(repository).resolve()
    assert Registry(tmp_path / "other").require("shop").plan == "plan-a"
    assert (
        registry_folder(tmp_path / "other/a").resolve()
        == registry_folder(repository / "a").resolve()
    )


def test_a_clone_of_a_submodule_has_its_own(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    allowed = ["-c", "protocol.file.allow=always"]
    git(outer, *allowed, "submodule", "--quiet", "add", str(repository), "inner")
    assert registry_folder(outer / "inner").resolve() == outer / ".git/modules/inner/plait/registry"


def test_the_variable_names_any_folder(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "shared"))
    crown(repository, "a")
    assert Registry(tmp_path / "anywhere").require("shop").plan == "plan-a"
    assert (tmp_path / "shared/shop/production.json").is_file()


def test_a_worktree_whose_repository_moved_is_named(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "../other")
    repository.rename(tmp_path / "moved")
    with pytest.raises(PlaitError) as error:
        registry_folder(tmp_path / "other")
    assert "which is not there, expected the repository's. Mend it with `git worktree repair`" in (
        str(error.value)
    )


def test_git_clean_leaves_champion_and_history(repository: Path) -> None:
    crown(repository, "a")
    record = crown(repository, "b")
    before = contents(repository)
    (repository / "registry").mkdir()
    (repository / "registry/notes").write_text("mine")
    git(repository, "clean", "-ffdx", "--quiet")
    assert not (repository / "models").exists()
    assert not (repository / "registry").exists()
    assert contents(repository) == before
    assert Registry(repository).require("shop") == record
    git(repository, "gc", "--quiet", "--aggressive", "--prune=now")
    assert contents(repository) == before


def test_make_clean_and_dvc_gc_leave_it(tmp_path: Path) -> None:
    folder = projects.make(tmp_path / "project", {})
    (folder / "Makefile").write_bytes((projects.REPOSITORY / "Makefile").read_bytes())
    crown(folder, "a")
    before = contents(folder)
    subprocess.run(["make", "-C", str(folder), "clean"], check=True, capture_output=True)
    assert not (folder / "models").exists()
    projects.dvc(folder, "gc", "--workspace", "--force")
    assert contents(folder) == before
    assert os.path.commonpath([registry_folder(folder), folder / ".git"]) == str(folder / ".git")
