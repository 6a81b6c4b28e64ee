"""A file on the user's disk."""

import shutil
from pathlib import Path

from plait.errors import PlaitError
from plait.sources.base import InsidePath, Sha256, Source, verify


class LocalFile(Source):
    """A file on this disk, copied under the name `target`.

    `path` is relative to the project's root; `setting` names the pin in params.yaml for errors.
    """

    path: str
    target: InsidePath
    sha256: Sha256 | None = None
    setting: str = "sha256"

    def bring(self, folder: Path) -> None:
        path = Path(self.path)
        if not path.is_file():
            raise PlaitError(f"{path}: no such file (looked in {Path.cwd()}). Correct the path.")
        copy = folder / self.target
        copy.parent.mkdir(parents=True, exist_ok=True)
        # The copy is checked, so that a change of the file meanwhile can't slip in.
        shutil.copyfile(path, copy)
        remedy = f"If this is the file that you mean, set `{self.setting}` to the value found."
        verify(copy, (self.sha256,) if self.sha256 else (), remedy, path)
