"""Git commands on a project's repository."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from plait.errors import PlaitError


def ask(root: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails or isn't there."""
    try:
        return git(root, *arguments)
    except PlaitError:
        return None


def git(
    root: Path, *arguments: str, data: bytes | None = None, env: Mapping[str, str] | None = None
) -> str:
    """What git prints, without the last line's end.

    Args:
        data: standard input.
        env: further environment variables.

    Raises:
        PlaitError: git isn't there or fails; its message is part of the error.
    """
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(
            command,
            input=data,
            capture_output=True,
            check=False,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", **(env or {})},
        )
    except FileNotFoundError as error:
        raise PlaitError("git: no such program. Install it: records and tags need it.") from error
    if done.returncode:
        message = done.stderr.decode(errors="replace").strip()
        raise PlaitError(f"`git {' '.join(arguments)}` failed: {message}")
    return done.stdout.decode(errors="replace").rstrip("\n")


def commit_files(root: Path, files: Mapping[str, bytes], message: str) -> str:
    """A commit on top of HEAD with some files added or replaced, on no branch.

    Neither the working tree nor the index nor a branch changes: only a tag will name the commit.
    For one process at a time (`plait.registry.packages.alone`).

    Returns:
        the commit's hash.

    Raises:
        PlaitError: git fails, for example because it does not know who commits.
    """
    index = Path(git(root, "rev-parse", "--absolute-git-dir")) / "plait-index"
    env = {"GIT_INDEX_FILE": str(index)}
    index.with_name("plait-index.lock").unlink(missing_ok=True)  # a killed one's
    try:
        git(root, "read-tree", "HEAD", env=env)
        for path, content in files.items():
            blob = git(root, "hash-object", "-w", "--stdin", data=content)
            entry = f"100644,{blob},{path}"
            git(root, "update-index", "--add", "--cacheinfo", entry, env=env)
        tree = git(root, "write-tree", env=env)
    finally:
        index.unlink(missing_ok=True)
    return git(root, "commit-tree", tree, "-p", "HEAD", "-F", "-", data=message.encode())


def remote(root: Path) -> str | None:
    """The git remote to share with: the branch's own, else `origin`, else the only one."""
    names = (ask(root, "remote") or "").split()
    branch = ask(root, "symbolic-ref", "--short", "HEAD")
    own = ask(root, "config", f"branch.{branch}.remote") if branch else None
    for name in (own, "origin"):
        if name in names:
            return name
    return names[0] if len(names) == 1 else None
