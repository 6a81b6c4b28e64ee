"""Whether a rebuild from the pins gives the same outputs, and where it differs.

git clones the commit into a scratch folder without data, weights, models or cache; `dvc repro`
rebuilds there; then each output of each rebuilt stage is compared with its entry in the project's
dvc.lock.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from plait.errors import PlaitError
from plait.running.graph import environment

Agreement = Literal["bit-identical", "equal within tolerance", "different"]
MIRROR = "PLAIT_MIRROR"


@dataclass(frozen=True)
class OutputComparison:
    """One output of one stage, compared; `where` says what differs, and by how much."""

    stage: str
    output: str
    agreement: Agreement
    where: str = ""


def rebuild(root: Path, scratch: Path, targets: list[str]) -> None:
    """Clone `root`'s commit into `scratch`, an empty folder, and rebuild the targets there.

    Raises:
        PlaitError: tracked files have uncommitted changes, or a stage fails.
    """
    changed = _run(["git", "status", "--porcelain", "--untracked-files=no"], root)
    if changed.strip():
        raise PlaitError(
            f"{root}: found changes that are not committed, expected none: a clone would not have "
            f"them. Commit or stash them:\n{changed.rstrip()}"
        )
    _run(["git", "clone", "--quiet", "--local", str(root), str(scratch)], root)
    # So that afterwards its lock has only what the rebuild made, nothing from the commit.
    (scratch / "dvc.lock").unlink(missing_ok=True)
    code = [str(scratch / "src"), os.environ.get("PYTHONPATH", "")]
    settings = {**environment(), "PYTHONPATH": os.pathsep.join(filter(None, code))}
    if MIRROR in settings:
        settings[MIRROR] = str((root / settings[MIRROR]).resolve())
    command = [sys.executable, "-P", "-m", "plait.running.dvc", "repro", *targets]
    if subprocess.run(command, cwd=scratch, env=settings, check=False).returncode:
        raise PlaitError(
            f"`dvc repro {' '.join(targets)}` failed in a clone of {root}; its output is above."
        )


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PlaitError(f"{folder}: `{' '.join(command)}` failed: {done.stderr.strip()}")
    return done.stdout


def require_run(root: Path, targets: list[str]) -> None:
    """Check that there are outputs to compare with, before hours go into a rebuild.

    Raises:
        PlaitError: there is no dvc.lock, or it lacks one of the targets.
    """
    here = _locked(root)
    unknown = [each for each in targets if each not in here]
    if unknown:
        raise PlaitError(
            f"{root / 'dvc.lock'}: no run of {', '.join(unknown)}, so there is nothing to compare "
            "with. Run `plait run` first."
        )


def compare_outputs(root: Path, scratch: Path, tolerance: float) -> list[OutputComparison]:
    """Compare each output of the rebuilt stages.

    Args:
        tolerance: the largest difference between two numbers of a metrics file that counts as
            equal.
    """
    here, there = _locked(root), _locked(scratch)
    return [
        found
        for stage in here
        if stage in there
        for found in _compare_stage(root, scratch, stage, here, there, tolerance)
    ]


def _locked(folder: Path) -> dict[str, dict[str, Any]]:
    """Stage → output → its entry in dvc.lock."""
    path = folder / "dvc.lock"
    if not path.is_file():
        raise PlaitError(f"{path}: no such file, so nothing was run here. Run `plait run` first.")
    stages = yaml.safe_load(path.read_text(encoding="utf-8")).get("stages", {})
    return {
        name: {out["path"]: out for out in stage.get("outs", [])} for name, stage in stages.items()
    }


def _compare_stage(
    root: Path,
    scratch: Path,
    stage: str,
    here: Mapping[str, Any],
    there: Mapping[str, Any],
    tolerance: float,
) -> Iterator[OutputComparison]:
    for path, out in here[stage].items():
        again = there[stage].get(path)
        if again is not None and out.get("md5") == again.get("md5"):
            yield OutputComparison(stage, path, "bit-identical")
        elif path.endswith(".json") and (scratch / path).is_file() and (root / path).is_file():
            yield _numbers(stage, path, root, scratch, tolerance)
        else:
            yield OutputComparison(stage, path, "different", _files(root / path, scratch / path))


def _numbers(
    stage: str, path: str, root: Path, scratch: Path, tolerance: float
) -> OutputComparison:
    """Two metrics files, number by number."""
    old, new = (dict(_leaves(json.loads((f / path).read_text()))) for f in (root, scratch))
    differing = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    far = [key for key in differing if not _near(old.get(key), new.get(key), tolerance)]
    words = "; ".join(f"{key}: {old.get(key)} → {new.get(key)}" for key in far or differing)
    return OutputComparison(stage, path, "different" if far else "equal within tolerance", words)


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, f"{name}.{key}" if name else key)
    else:
        yield name, value


def _near(old: Any, new: Any, tolerance: float) -> bool:
    numbers = all(isinstance(each, int | float) for each in (old, new))
    return numbers and abs(old - new) <= tolerance


def _files(here: Path, there: Path) -> str:
    """Names of the files of an output that differ, separated by commas."""
    names = {p.relative_to(top) for top in (here, there) for p in top.rglob("*") if p.is_file()}
    pairs = [(name, _bytes(here / name), _bytes(there / name)) for name in sorted(names)]
    return ", ".join(name.as_posix() for name, old, new in pairs if old != new)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def overall_agreement(comparisons: list[OutputComparison]) -> tuple[Agreement, str]:
    """The agreement of all outputs together, and a sentence.

    Scores decide: if every score is equal within the tolerance, different weights are accepted.
    """
    scores = [each for each in comparisons if each.output.endswith(".json")]
    if all(each.agreement == "bit-identical" for each in comparisons):
        return "bit-identical", f"All {len(comparisons)} outputs came back bit for bit."
    first = next(each for each in comparisons if each.agreement != "bit-identical")
    where = f"the first difference is {first.output} of stage {first.stage}"
    if scores and all(each.agreement != "different" for each in scores):
        return (
            "equal within tolerance",
            f"Not bit-identical ({where}), but every score is equal within tolerance.",
        )
    return "different", f"Scores differ: {where}."
