"""Create the folder of a project: its graph, flows and settings, and the user's data."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from plait import strict_yaml
from plait.code import PACKAGE
from plait.errors import PlaitError
from plait.experiment.editing import as_text
from plait.experiment.loading import load
from plait.files import atomic_folder, write_json

DATA = "files"
"""The folder of the user's files in a project."""
_CHECKOUT = PACKAGE.parents[1]
_COPIED = (
    *("dvc.yaml", "timings/dvc.yaml", ".dvc/config", ".dvcignore", ".gitignore"),
    *("flows/pipeline.py", "flows/deployments.py"),
)
_IMPORTS = ("data.dvc", "weights.dvc")
_EXAMPLE = "experiments/default.yaml"
_HEADING = """\
# The experiment: data, tasks, candidates, a service. Everything plait does follows from this file:
# `plait run` again after a change. The settings are in docs/data.md and docs/services.md of plait.
"""


def example_encoder() -> dict[str, Any]:
    """The encoder of the default experiment, with its pins.

    Raises:
        PlaitError: this plait is not a checkout of its repository.
    """
    _require()
    backbones = strict_yaml.read(_CHECKOUT / _EXAMPLE)["backbones"]
    return next(dict(each) for each in backbones.values() if each["kind"] == "encoder")


def _require() -> None:
    for name in (*_COPIED, *_IMPORTS, _EXAMPLE):
        if not (_CHECKOUT / name).is_file():
            raise PlaitError(
                f"{_CHECKOUT / name}: no such file; a project's graph and flows come from a clone "
                "of plait's repository. Clone it, then `pip install --editable` that folder."
            )


def require_free(folder: Path) -> None:
    """Check that a project can be created there.

    Raises:
        PlaitError: there is a file, or a folder that isn't empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PlaitError(
            f"{folder}: is there already and not empty. Name another folder; `plait data add` adds "
            "data to a project."
        )


def create(folder: Path, settings: Mapping[str, Any], files: Sequence[Path]) -> None:
    """Write a project with its own git and DVC; it appears whole or not at all.

    Raises:
        PlaitError: the folder is not free, the settings have mistakes, or git is missing.
    """
    require_free(folder)
    _require()
    with atomic_folder(folder.resolve()) as root:
        copy_graph(root)
        for file in files:
            _copy(file, root / DATA / file.name)
        (root / "params.yaml").write_text(_params(settings), encoding="utf-8")
        load(root / "params.yaml")
        _git(root)


def copy_graph(root: Path) -> None:
    """Copy graph and flows from the checkout into a folder, where the first run pins the data."""
    for name in _COPIED:
        _copy(_CHECKOUT / name, root / name)
    for name in _IMPORTS:
        (root / name).write_text(_unpinned(_CHECKOUT / name), encoding="utf-8")
    write_json(root / "accepted.json", {})


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _unpinned(path: Path) -> str:
    """An import of DVC that the first run pins."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    sides = {side: [{"path": each["path"]} for each in found[side]] for side in ("deps", "outs")}
    return yaml.safe_dump(sides)


def _params(settings: Mapping[str, Any]) -> str:
    """Each section as a block, with a blank line between two."""
    return "\n".join([_HEADING.rstrip(), *(as_text({k: v}) for k, v in settings.items())])


def _git(root: Path) -> None:
    try:
        subprocess.run(["git", "init", "--quiet", str(root)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PlaitError(f"`git init {root.name}` failed ({error}). Install git.") from error
