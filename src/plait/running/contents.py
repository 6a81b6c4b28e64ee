"""Contents: hashes of files and folders as DVC's lock files have them, from the bytes themselves.

DVC takes the hash of a file whose size and time didn't change from a database: it doesn't see that
a disk altered it.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Content:
    """Where the work folder has what a file of the cache holds.

    Attributes:
        out: the output's path.
        stage: the stage whose output it is.
        name: the file in it; empty for the output itself.
    """

    out: Path
    stage: str
    name: str = ""


def md5(path: Path) -> str:
    """Hex digest of a file's bytes, as DVC names it."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, _md5).hexdigest()


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def tree(folder: Path) -> Any:
    """A folder's files with their md5, as DVC's `Tree`."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    found: Any = Tree()  # type: ignore[no-untyped-call]
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        found.add(path.relative_to(folder).parts, None, HashInfo("md5", md5(path)))
    found.digest()
    return found


def content_hash(path: Path) -> str:
    """The hash that a lock file has of an output with these bytes."""
    return str(tree(path).hash_info.value) if path.is_dir() else md5(path)


def address(stage: Any, root: Path) -> str:
    """How `dvc repro` in `root` names a stage, whatever the working folder of this process is."""
    file = os.path.relpath(stage.path, root)
    name = getattr(stage, "name", None)
    return file if name is None else name if file == "dvc.yaml" else f"{file}:{name}"
