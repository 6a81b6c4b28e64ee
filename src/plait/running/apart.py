"""A run apart: in a git worktree of its own, so that it never touches a person's working tree.

The worktree stands at the commit that the project is on, shares DVC's cache and the registry with
it, and stays for the next run, with the checkpoints of one that was killed. What a run changes
comes back as a branch: dvc.lock, scores, timings and the results as text. After `git merge` of that
branch `dvc checkout` brings the outputs.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from plait.errors import PlaitError
from plait.experiment.naming import free
from plait.experiment.switching import name_or_digest
from plait.files import restore
from plait.registry.git import ask, git
from plait.report.copies import publish
from plait.running.processes import alone

FOLDER = Path(".plait/apart")
BRANCHES = "plait/runs"
RESULTS = Path("docs/results")
CODE = "PYTHONPATH"
_NOBODY = ("-c", "user.name=plait", "-c", "user.email=plait@localhost")


@contextmanager
def workplace(root: Path, name: str, waiting: Callable[[], None]) -> Iterator[Path]:
    """Work in the worktree `name` of the project in `root`: it becomes the working folder.

    Code of the worktree's own `src` runs there, as it stands in the commit. `waiting` is called if
    another run works in the worktree.

    Raises:
        PlaitError: the project is in no git repository, or has no commit.
    """
    with alone(root / FOLDER / f"{name}.lock", waiting):
        folder = prepare(root, name)
        code = str(folder / "src") if (folder / "src/plait").is_dir() else ""
        with _set(CODE, code), chdir(folder):
            yield folder


@contextmanager
def _set(variable: str, first: str) -> Iterator[None]:
    """Put a path before those that an environment variable has; none if `first` is empty."""
    before = os.environ.get(variable)
    os.environ[variable] = os.pathsep.join(filter(None, [first, before]))
    try:
        yield
    finally:
        os.environ.pop(variable)
        os.environ.update({variable: before} if before is not None else {})


def prepare(root: Path, name: str) -> Path:
    """The project's folder in the worktree `name`, at the commit that the project is on.

    One run at a time may use a worktree. Changes that an earlier run has left there are dropped;
    ignored files, such as outputs and checkpoints, stay.
    """
    commit = ask(root, "rev-parse", "--verify", "HEAD")
    if commit is None:
        raise PlaitError(
            f"{root}: found no git commit, expected one: a scheduled run works on the commit that "
            "you are on. Commit the project (`git add . && git commit`), or run it in place "
            "(`plait schedule --in-place`)."
        )
    tree = root / FOLDER / name
    if not _is_worktree(root, tree):
        git(root, "worktree", "prune")
        shutil.rmtree(tree, ignore_errors=True)
        git(root, "worktree", "add", "--quiet", "--detach", str(tree), commit)
    _unlock(tree)
    git(tree, "checkout", "--quiet", "--force", "--detach", commit)
    git(tree, "clean", "-qd", "--force")
    folder = tree / git(root, "rev-parse", "--show-prefix")
    _share_cache(root, folder)
    return folder


def _is_worktree(root: Path, tree: Path) -> bool:
    listed = git(root, "worktree", "list", "--porcelain").splitlines()
    return f"worktree {tree.resolve()}" in listed and (tree / ".git").is_file()


def _unlock(tree: Path) -> None:
    """Remove the lock of a git that was killed there; the lock of the run keeps others away."""
    Path(git(tree, "rev-parse", "--absolute-git-dir"), "index.lock").unlink(missing_ok=True)


def _share_cache(root: Path, folder: Path) -> None:
    """DVC's settings of this machine, and the cache of the project."""
    from dvc.repo import Repo

    local = Path(".dvc/config.local")
    restore(folder / local)
    if (root / local).is_file():
        shutil.copyfile(root / local, folder / local)
    with Repo(str(root)) as repo:
        cache = repo.cache.local_cache_dir
    with Repo(str(folder)) as repo, repo.config.edit("local") as settings:
        settings["cache"]["dir"] = cache


def come_back(root: Path, folder: Path, message: str) -> str | None:
    """Commit what a run has changed in its worktree, on a branch of its own.

    Returns:
        The branch; None where nothing differs from the commit.
    """
    experiment = name_or_digest(folder)
    if (folder / "report/records.json").is_file():
        (folder / RESULTS).mkdir(parents=True, exist_ok=True)
        publish(folder, folder / RESULTS / experiment)
    git(folder, "add", "--all")
    if ask(folder, "diff", "--cached", "--quiet") is not None:
        return None
    who = () if ask(root, "var", "GIT_COMMITTER_IDENT") else _NOBODY
    git(folder, *who, "commit", "--quiet", "--no-verify", "-m", message)
    name = f"{experiment}-{datetime.now(UTC):%Y-%m-%dT%H%M%S}"
    taken = git(root, "branch", "--list", f"{BRANCHES}/*", "--format=%(refname:lstrip=4)")
    branch = f"{BRANCHES}/{free(name, taken.splitlines())}"  # two may end in one second
    git(root, "branch", branch, git(folder, "rev-parse", "HEAD"))
    return branch
