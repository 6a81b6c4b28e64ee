"""Outputs of another experiment go out of the way: renamed into .plait/, and back again later.

dvc.lock says which paths are outputs. It remembers stages that the graph no longer has, too. Read
without DVC, whose import takes longer than all of this.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from plait.errors import PlaitError

FOLDER = Path(".plait", "set-aside")
"""One folder an experiment, which holds its outputs under their paths."""
REMOVED = Path(".plait", "removed")
"""Outputs of stages that the graph no longer has."""
LOCKS = (Path("dvc.lock"), Path("timings", "dvc.lock"))


def outputs(root: Path) -> list[Path]:
    """The outputs, relative to `root`, that the locks know, there or not; imports are left out.

    Of two where one holds the other, the outer one. What does not lie inside `root` is left out.
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
    """Move those of the outputs that are there below `root`/`folder`; what it held of them goes.

    Raises:
        PlaitError: one can't be moved; those before it have been.
    """
    return list(_move(root, paths, Path(), folder))


def move_in(root: Path, paths: Iterable[Path], folder: Path) -> list[Path]:
    """Move those of the outputs that `root`/`folder` holds back to where nothing stands.

    Raises:
        PlaitError: one can't be moved; those before it have been.
    """
    free = [path for path in paths if not os.path.lexists(root / path)]
    return list(_move(root, free, folder, Path()))


def move_removed(root: Path, declared: Iterable[Path]) -> list[Path]:
    """Move the outputs that no stage declares any more to `root`/`REMOVED`."""
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
            f"{source}: can't be moved to {target}: {error.strerror or error}. Mend that "
            "(both must lie on one file system), then give the command again."
        ) from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_inside(path: Path) -> bool:
    return not path.is_absolute() and path.parts[:1] not in ((), ("..",))


def _touches(path: Path, others: Iterable[Path]) -> bool:
    """Whether `path` is one of the others, or holds one, or lies in one."""
    return any(path.is_relative_to(other) or other.is_relative_to(path) for other in others)


def _outs(stages: Iterable[Mapping[str, Any]]) -> list[Path]:
    return [Path(out["path"]) for stage in stages for out in stage.get("outs") or ()]


def _working_folder(definition: Any) -> Path:
    """`wdir` of a stage as dvc.yaml has it, which a lock's paths start from."""
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
