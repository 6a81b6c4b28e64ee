"""Move outputs of another experiment into .plait/ and back, by renaming.

The lock files of DVC say which paths are outputs, also those of stages that the graph no longer
has. They are read without DVC, because importing it takes longer than the move.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from plait.errors import PlaitError

FOLDER = Path(".plait", "set-aside")
"""One folder per experiment; it holds the outputs under their paths."""
REMOVED = Path(".plait", "removed")
"""Outputs of stages that the graph no longer has."""
LOCKS = (Path("dvc.lock"), Path("timings", "dvc.lock"))


def outputs(root: Path) -> list[Path]:
    """The outputs in the lock files, relative to `root`, whether or not they exist.

    Imports and paths outside `root` are left out. If one output contains another, only the outer
    one is returned.
    """
    imported = _outs(_yaml(path) for path in sorted(root.glob("*.dvc")))
    found: dict[Path, None] = {}
    for lock in LOCKS:
        stages = _section(_yaml(root / lock), "stages")
        definitions = _section(_yaml(root / lock.with_suffix(".yaml")), "stages")
        for name, stage in stages.items():
            folder = lock.parent / _working_folder(definitions.get(str(name).split("@")[0]))
            for out in _outs([stage]):
                found[Path(os.path.normpath(folder / out))] = None
    own = [path for path in found if _is_inside(path) and not _touches(path, imported)]
    return [path for path in sorted(own) if not set(path.parents) & set(own)]


def move_out(root: Path, paths: Iterable[Path], folder: Path) -> list[Path]:
    """Move the existing outputs into `root`/`folder`, replacing older ones there.

    Returns:
        The moved paths.

    Raises:
        PlaitError: an output can't be moved; earlier ones have been moved.
    """
    return list(_move(root, paths, Path(), folder))


def move_in(root: Path, paths: Iterable[Path], folder: Path) -> list[Path]:
    """Move outputs back from `root`/`folder` to paths that are free.

    Returns:
        The moved paths.

    Raises:
        PlaitError: an output can't be moved; earlier ones have been moved.
    """
    free = [path for path in paths if not os.path.lexists(root / path)]
    return list(_move(root, free, folder, Path()))


def move_removed(root: Path, declared: Iterable[Path]) -> list[Path]:
    """Move outputs that no stage declares any longer to `root`/`REMOVED`."""
    kept = list(declared)
    return move_out(root, [path for path in outputs(root) if not _touches(path, kept)], REMOVED)


def _move(root: Path, paths: Iterable[Path], old: Path, new: Path) -> Iterator[Path]:
    for path in paths:
        source, target = root / old / path, root / new / path
        if os.path.lexists(source):
            _rename(source, target)
            yield path


def _rename(source: Path, target: Path) -> None:
    try:
        _remove(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
    except OSError as error:
        raise PlaitError(
            f"{source}: can't be moved to {target}: {error.strerror or error}. Correct that "
            "(both must be on one file system), then run the command again."
        ) from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_inside(path: Path) -> bool:
    return not path.is_absolute() and path.parts[:1] not in ((), ("..",))


def _touches(path: Path, others: Iterable[Path]) -> bool:
    """Whether `path` equals, contains or lies in one of the others."""
    return any(path.is_relative_to(other) or other.is_relative_to(path) for other in others)


def _outs(stages: Iterable[Mapping[str, Any]]) -> list[Path]:
    return [Path(out["path"]) for stage in stages for out in stage.get("outs") or ()]


def _working_folder(definition: Any) -> Path:
    """The `wdir` of a stage in dvc.yaml; paths in the lock file are relative to it."""
    found = definition if isinstance(definition, dict) else {}
    return Path(found.get("wdir") or _section(found, "do").get("wdir") or "")


def _section(value: Any, name: str) -> dict[str, Any]:
    return (value.get(name) if isinstance(value, dict) else None) or {}


def _yaml(path: Path) -> Any:
    if not path.is_file():
        return {}
    try:
        return yaml.safe_load(path.read_bytes()) or {}
    except yaml.YAMLError as error:
        raise PlaitError(
            f"{path}: found no valid YAML ({error}). Restore it: `git checkout {path.name}`."
        ) from error
