"""Replace params.yaml with another experiment; the outputs of each experiment follow it."""

import hashlib
from pathlib import Path

from plait.errors import PlaitError, did_you_mean
from plait.experiment import set_aside
from plait.files import atomic_write


def names(root: Path) -> list[str]:
    """The experiments in `root`/experiments."""
    return sorted(path.stem for path in (root / "experiments").glob("*.yaml"))


def current(root: Path) -> str | None:
    """The experiment that params.yaml is a copy of; None if it has hand edits."""
    now = (root / "params.yaml").read_bytes()
    same = [name for name in names(root) if _path(root, name).read_bytes() == now]
    return same[0] if same else None


def name_or_digest(root: Path) -> str:
    """The current experiment, or `edited-` and eight digits of the sha256 of params.yaml."""
    path = root / "params.yaml"
    found = current(root) if path.exists() else None
    return found or f"edited-{hashlib.sha256(_bytes(path)).hexdigest()[:8]}"


def has_hand_edits(root: Path) -> bool:
    """Whether params.yaml exists and differs from every file of experiments/."""
    return (root / "params.yaml").exists() and current(root) is None


def switch(root: Path, name: str, overwrite: bool = False) -> None:
    """Check experiments/NAME.yaml, copy it over params.yaml and exchange the outputs.

    The outputs of the previous experiment are set aside; those of this one, from an earlier
    switch, are moved back. After a kill no output of another experiment is left in place; DVC
    restores or rebuilds what is missing.

    Raises:
        PlaitError: the experiment does not exist or has mistakes, params.yaml has hand edits and
            `overwrite` is false, or an output can't be moved.
    """
    from plait.experiment.loading import load

    if name not in names(root):
        raise PlaitError(
            f"experiments/{name}.yaml: no such experiment{did_you_mean(name, names(root))}"
        )
    load(_path(root, name), name)
    wanted = _path(root, name).read_bytes()
    if has_hand_edits(root) and not overwrite:
        raise PlaitError(
            "params.yaml: found hand edits, expected a copy of a file of experiments/ "
            f"({', '.join(names(root))}). Keep the edits with `cp params.yaml "
            "experiments/mine.yaml` and `name: mine` in both, or drop them with --overwrite; "
            "--keep runs them as they are."
        )
    outputs = set_aside.outputs(root)
    if _bytes(root / "params.yaml") != wanted:
        set_aside.move_out(root, outputs, set_aside.FOLDER / name_or_digest(root))
        with atomic_write(root / "params.yaml") as stream:
            stream.write(wanted)
    set_aside.move_in(root, outputs, set_aside.FOLDER / name_or_digest(root))


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _path(root: Path, name: str) -> Path:
    return root / "experiments" / f"{name}.yaml"
