"""Files on the user's disk: one, all of a folder, or those that a pattern matches."""

import hashlib
import shutil
from collections.abc import Mapping
from glob import has_magic
from pathlib import Path

from plait.errors import PlaitError
from plait.files import sha256
from plait.sources.base import InsidePath, Sha256, Source, verify


class LocalFile(Source):
    """A file on this disk, copied under the name `target`; several are copied below it.

    `path` is relative to the project's root; `setting` names the pin in params.yaml for errors.
    """

    path: str
    target: InsidePath
    sha256: Sha256 | None = None
    setting: str = "sha256"

    def bring(self, folder: Path) -> None:
        for name, path in found_files(self.path).items():
            copy = folder / self.target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            # The copy is checked, so that a change of the file meanwhile can't slip in.
            shutil.copyfile(path, copy)
        remedy = f"If this is the file that you mean, set `{self.setting}` to the value found."
        copied = folder / self.target
        accepted = (self.sha256,) if self.sha256 else ()
        if copied.is_file():
            verify(copied, accepted, remedy, Path(self.path))
        elif (found := pin(str(copied))) not in accepted:
            expected = self.sha256 or "a pin, and none is set"
            raise PlaitError(f"{self.path}: sha256 is {found}, expected {expected}. {remedy}")


def found_files(path: str) -> Mapping[str, Path]:
    """Name below the folder, sorted → file; the name of a single file is empty.

    `path` is a file, a folder (all files below it), or a pattern such as `shards/*.parquet`, where
    `**` is any number of folders. Names that begin with a dot or an underscore are left out.

    Raises:
        PlaitError: there is no such file.
    """
    if Path(path).is_file():
        return {"": Path(path)}
    whole = Path(path).is_dir()
    root = Path(path) if whole else pattern_root(path)
    pattern = "**/*" if whole else Path(path).relative_to(root).as_posix()
    matched = sorted(root.glob(pattern)) if pattern != "." else []
    named = {each.relative_to(root).as_posix(): each for each in matched if each.is_file()}
    kept = {
        name: each
        for name, each in named.items()
        if not any(part.startswith(("_", ".")) for part in Path(name).parts)
    }
    if not kept:
        raise PlaitError(f"{path}: no such file (looked in {Path.cwd()}). Correct the path.")
    return kept


def pattern_root(path: str) -> Path:
    """The folder before the first part with a wildcard."""
    parts = Path(path).parts
    fixed = next((i for i, part in enumerate(parts) if has_magic(part)), len(parts))
    return Path(*parts[:fixed])


def pin(path: str) -> str:
    """The sha256 that pins a file; several are pinned by the sha256 of what `sha256sum` prints.

    Raises:
        PlaitError: there is no such file.
    """
    found = found_files(path)
    if list(found) == [""]:
        return sha256(Path(path))
    listing = "".join(f"{sha256(each)}  {name}\n" for name, each in found.items())
    return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
