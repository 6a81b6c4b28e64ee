"""Where the registry of a project lies.

It is the state of an installation, like a database, and not of the source. So it lies where neither
`git clean` nor `make clean` reaches it, and where all worktrees of a repository share it: under
git's own folder, as the objects of Git LFS and git-annex do.
"""

import os
from pathlib import Path

from plait.errors import PlaitError

VARIABLE = "PLAIT_REGISTRY"
"""Names the registry's folder, where several projects or containers share one."""
TOP = "registry"
"""Where it lies in a project's folder without git; in any project, up to version 0.1."""


def registry_folder(root: Path) -> Path:
    """The registry of the project in `root`.

    `$PLAIT_REGISTRY` if it is set; in a git repository `plait/registry` under the git folder that
    all its worktrees share (for a project in a subfolder `plait/SUBFOLDER/registry`); elsewhere
    `registry` in the project's folder.

    Raises:
        PlaitError: a `.git` file names a folder that is not there.
    """
    if given := os.environ.get(VARIABLE):
        return Path(given)
    inside = root.resolve()
    for top in (inside, *inside.parents):
        if (top / ".git").exists():
            return _common(top / ".git") / "plait" / inside.relative_to(top) / "registry"
    return root / TOP


def require_adopted(root: Path) -> None:
    """Refuse to begin a new history beside the registry of an earlier version.

    Raises:
        PlaitError: that one has not been taken over.
    """
    if earlier(root):
        raise PlaitError(
            f"{root / TOP}: found the registry of an earlier version, or of a time before git; "
            f"today's is {registry_folder(root)}. `plait registry adopt` takes its champions and "
            "history over."
        )


def earlier(root: Path) -> bool:
    """Whether `root`/registry holds champions that today's registry doesn't."""
    here, old = registry_folder(root), root / TOP
    if here.resolve() == old.resolve():
        return any(old.glob("*/champion.json"))
    return not any(here.glob("*/0001.json")) and any(old.glob("*/0001.json"))


def _common(found: Path) -> Path:
    """The git folder that all worktrees share (gitrepository-layout(5))."""
    if found.is_dir():
        return found
    git = found.parent / found.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    if not git.is_dir():
        raise PlaitError(
            f"{found}: found folder {git}, which is not there, expected the repository's. Mend it "
            f"with `git worktree repair`, or name the registry's folder in ${VARIABLE}."
        )
    common = git / "commondir"
    return (git / common.read_text(encoding="utf-8").strip()).resolve() if common.exists() else git
