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
    return root / "registry"


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
