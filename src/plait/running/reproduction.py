"""Whether what stands here can be made again from the pins, and if not, where it differs.

git clones the commit into a scratch folder without data, weights, models or cache; `dvc repro`
rebuilds there; then each output of each rebuilt stage is compared with what dvc.lock says of it
here.
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

Outcome = Literal["bit-identical", "equal within tolerance", "different"]
MIRROR = "PLAIT_MIRROR"


@dataclass(frozen=True)
class Finding:
    """One output of one stage; `where` says what differs, and by how much."""

    stage: str
    output: str
    outcome: Outcome
    where: str = ""


def rebuild(root: Path, scratch: Path, targets: list[str]) -> None:
    """Clone `root`'s commit into `scratch`, an empty folder, and run stages from the pins there.

    Raises:
        PlaitError: tracked files have changes that no commit has, or a stage fails.
    """
    changed = _run(["git", "status", "--porcelain", "--untracked-files=no"], root)
    if changed.strip():
        raise PlaitError(
            f"{root}: found changes that are not committed, expected none: a clone would not have "
            f"them. Commit or stash them:\n{changed.rstrip()}"
        )
    _run(["git", "clone", "--quiet", "--local", str(root), str(scratch)], root)
    # What its lock says afterwards must have been made there, not taken over from the commit.
    (scratch / "dvc.lock").unlink(missing_ok=True)
    code = [str(scratch / "src"), os.environ.get("PYTHONPATH", "")]
    settings = {**environment(), "PYTHONPATH": os.pathsep.join(filter(None, code))}
    if MIRROR in settings:
        settings[MIRROR] = str((root / settings[MIRROR]).resolve())
    command = [sys.executable, "-P", "-m", "dvc", "repro", *targets]
    if subprocess.run(command, cwd=scratch, env=settings, check=False).returncode:
        raise PlaitError(
            f"`dvc repro {' '.join(targets)}` failed in a clone of {root}; its words stand above."
        )


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PlaitError(f"{folder}: `{' '.join(command)}` failed: {done.stderr.strip()}")
    return done.stdout


def require_run(root: Path, targets: list[str]) -> None:
    """See that there is something to compare with, before hours go into a rebuild.

    Raises:
        PlaitError: there is no dvc.lock here, or it knows not all of the targets.
    """
    here = _locked(root)
    unknown = [each for each in targets if each not in here]
    if unknown:
        raise PlaitError(
            f"{root / 'dvc.lock'}: no run of {', '.join(unknown)}, so there is nothing to compare "
            "with. Run `plait run` first."
        )


def findings(root: Path, scratch: Path, tolerance: float) -> list[Finding]:
    """What became of each output of the stages that were rebuilt.

    Args:
        tolerance: the largest difference between two numbers of a metrics file that counts as
            equal.
    """
    here, there = _locked(root), _locked(scratch)
    return [
        found
        for stage in here
        if stage in there
        for found in _stage_findings(root, scratch, stage, here, there, tolerance)
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


def _stage_findings(
    root: Path,
    scratch: Path,
    stage: str,
    here: Mapping[str, Any],
    there: Mapping[str, Any],
    tolerance: float,
) -> Iterator[Finding]:
    for path, out in here[stage].items():
        again = there[stage].get(path)
        if again is not None and out.get("md5") == again.get("md5"):
            yield Finding(stage, path, "bit-identical")
        elif path.endswith(".json") and (scratch / path).is_file() and (root / path).is_file():
            yield _numbers(stage, path, root, scratch, tolerance)
        else:
            yield Finding(stage, path, "different", _files(root / path, scratch / path))


def _numbers(stage: str, path: str, root: Path, scratch: Path, tolerance: float) -> Finding:
    """Two metrics files, number by number."""
    old, new = (dict(_leaves(json.loads((f / path).read_text()))) for f in (root, scratch))
    differing = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    far = [key for key in differing if not _near(old.get(key), new.get(key), tolerance)]
    words = "; ".join(f"{key}: {old.get(key)} → {new.get(key)}" for key in far or differing)
    return Finding(stage, path, "different" if far else "equal within tolerance", words)


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
    """The files of an output that differ, as far as they are still here."""
    names = {p.relative_to(top) for top in (here, there) for p in top.rglob("*") if p.is_file()}
    pairs = [(name, _bytes(here / name), _bytes(there / name)) for name in sorted(names)]
    return ", ".join(name.as_posix() for name, old, new in pairs if old != new)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def verdict(found: list[Finding]) -> tuple[Outcome, str]:
    """What the outputs together say, and a sentence.

    Scores decide: weights that differ in their bits while every score is equal within tolerance
    are the same model for those who read the scores.
    """
    scores = [each for each in found if each.output.endswith(".json")]
    if all(each.outcome == "bit-identical" for each in found):
        return "bit-identical", f"All {len(found)} outputs came back bit for bit."
    first = next(each for each in found if each.outcome != "bit-identical")
    where = f"the first difference is {first.output} of stage {first.stage}"
    if scores and all(each.outcome != "different" for each in scores):
        return "equal within tolerance", f"Not bit-identical ({where}), but every score is near."
    return "different", f"Scores differ: {where}."
