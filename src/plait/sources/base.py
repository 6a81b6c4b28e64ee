"""The base class of sources, which bring declared, pinned files whole or not at all."""

import os
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from plait.errors import PlaitError
from plait.files import sha256

MIRROR = "PLAIT_MIRROR"
"""Environment variable: a folder with files in upstream's layout, which is searched first."""
DOWNLOADS = "PLAIT_DOWNLOADS"
"""Environment variable: the folder that keeps downloads; default `.plait/downloads`."""


def climbs(name: str) -> bool:
    """Whether a path is absolute or leaves its folder, on any operating system."""
    parts = {*PurePosixPath(name).parts, *PureWindowsPath(name).parts}
    rooted = name.startswith(("/", "\\")) or bool(PureWindowsPath(name).drive)
    return rooted or ".." in parts or "\0" in name or name in ("", ".")


def _inside(name: str) -> str:
    if climbs(name):
        raise ValueError(f"{name!r} is not a relative path inside its folder")
    return name


InsidePath = Annotated[str, AfterValidator(_inside)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Source(BaseModel, ABC):
    """Where files come from, and their pins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def fetch(self, folder: Path) -> None:
        """Bring exactly the declared files into `folder`, or none of them.

        Raises:
            PlaitError: a file is unreachable or differs from its pin.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as scratch:
            staging = Path(scratch)
            self.bring(staging)
            for file in sorted(path for path in staging.rglob("*") if path.is_file()):
                target = folder / file.relative_to(staging)
                target.parent.mkdir(parents=True, exist_ok=True)
                file.replace(target)

    @abstractmethod
    def bring(self, folder: Path) -> None:
        """Write the declared files into an empty folder."""


def verify(file: Path, accepted: tuple[str, ...], remedy: str, origin: Path | None = None) -> None:
    """Check the sha256 of a file; errors name `origin`, where it came from, and the remedy.

    Raises:
        PlaitError: the file's sha256 is not among `accepted`.
    """
    found = sha256(file)
    if found not in accepted:
        expected = " or ".join(accepted) or "a pin, and none is set"
        raise PlaitError(f"{origin or file}: sha256 is {found}, expected {expected}. {remedy}")


def downloads() -> Path:
    """The folder that keeps downloads, so that fetching again needs no network."""
    folder = Path(os.environ.get(DOWNLOADS) or ".plait/downloads")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def mirror() -> Path | None:
    """The mirror folder; None if none is set.

    Raises:
        PlaitError: `PLAIT_MIRROR` does not name a folder.
    """
    named = os.environ.get(MIRROR)
    if not named:
        return None
    if not Path(named).is_dir():
        raise PlaitError(
            f"{MIRROR}={named}: no such folder. Unset it, or name a folder with files in "
            "upstream's layout."
        )
    return Path(named)
