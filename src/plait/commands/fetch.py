"""`plait fetch`: the experiment's raw data and pretrained weights, pinned and checked."""

import typer

TARGETS = ["data.dvc", "weights.dvc"]
"""What the graph's other stages start from; both are made by the stage `fetch`."""


def fetch() -> None:
    """Bring the raw data and pretrained weights of params.yaml here, each checked by its sha256.

    Looks in DVC's cache and its remote (when one is configured), then in the folder that
    PLAIT_MIRROR names, then where the data is published. Downloads stay in .plait/downloads, so
    that fetching again needs no network. Exit code 2: something is out of reach or isn't the
    pinned file.
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
    """Run DVC on this terminal, with bars instead of the progress lines that the flow reads."""
    import subprocess
    import sys

    from plait.progress import LINES
    from plait.running.graph import environment

    env = {name: value for name, value in environment().items() if name != LINES}
    command = [sys.executable, "-P", "-m", "dvc", "--wait-for-lock", *arguments]
    return subprocess.run(command, check=False, env=env).returncode
