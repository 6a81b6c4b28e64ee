"""`plait fetch`: the experiment's raw data and pretrained weights, pinned and checked."""

import typer

TARGETS = ["data.dvc", "weights.dvc"]
"""The imports of the stage `fetch`'s outputs, which the other stages depend on."""


def fetch() -> None:
    """Fetch the raw data and pretrained weights of params.yaml, and check them against their pins.

    Looks in DVC's cache, in its remote (if one is configured), in the folder that PLAIT_MIRROR
    names, and at the place of publication. Downloads stay in .plait/downloads, so that fetching
    again needs no network. Exit code 2: a file is unreachable or differs from its pin.
    """
    from plait.running.project import root

    folder = root()
    if _has_remote(str(folder)):
        _dvc("pull", "--allow-missing", *TARGETS, "fetch")
    if _dvc("repro", *TARGETS) != 0:
        raise typer.Exit(2)


def _has_remote(folder: str) -> bool:
    from dvc.repo import Repo

    with Repo(folder) as repo:
        return bool(repo.config["core"].get("remote"))


def _dvc(*arguments: str) -> int:
    """Run DVC on this terminal, with progress bars instead of progress lines."""
    import subprocess
    import sys

    from plait.progress import LINES
    from plait.running.graph import environment

    env = {name: value for name, value in environment().items() if name != LINES}
    command = [sys.executable, "-P", "-m", "plait.running.dvc", "--wait-for-lock", *arguments]
    return subprocess.run(command, check=False, env=env).returncode
