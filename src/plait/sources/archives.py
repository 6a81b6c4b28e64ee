"""Members of zip and tar archives, read without trusting the archive."""

import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from plait.errors import PlaitError
from plait.sources.base import climbs


def _refuse(archive: Path, member: str, why: str) -> PlaitError:
    return PlaitError(
        f"{archive}: member {member!r} {why}; expected only plain files inside the archive's "
        "folder. Nothing was taken from it: fetch it again from a source that you trust."
    )


def _check(archive: Path, member: str, plain: bool) -> None:
    if climbs(member):
        raise _refuse(archive, member, "has a path outside the archive")
    if not plain:
        raise _refuse(archive, member, "is a link or a device")


def _damaged(archive: Path, kind: str, error: Exception) -> PlaitError:
    return PlaitError(f"{archive}: not a readable {kind} archive ({error}). Fetch it again.")


@contextmanager
def zip_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file after checking that every member is a plain file or folder inside it.

    Raises:
        PlaitError: the file is not a zip archive or damaged, or a member is a link or has a path
            outside the archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                mode = stat.S_IFMT(info.external_attr >> 16)
                _check(path, info.filename, mode in (0, stat.S_IFREG, stat.S_IFDIR))
            yield archive
    except (zipfile.BadZipFile, EOFError) as error:
        raise _damaged(path, "zip", error) from error


def tar_files(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of each plain file of a tar archive, in the archive's order.

    Raises:
        PlaitError: the file is not a tar archive or damaged, or a member is a link or a device or
            has a path outside the archive.
    """
    try:
        with tarfile.open(path) as archive:
            for info in archive:
                _check(path, info.name, info.isreg() or info.isdir())
                stream = archive.extractfile(info)
                if stream is not None:
                    yield info.name, stream
    except (tarfile.TarError, EOFError, OSError) as error:
        raise _damaged(path, "tar", error) from error


def missing_member(archive: Path, member: str) -> PlaitError:
    """The error for a member that an archive lacks."""
    return PlaitError(
        f"{archive}: has no member {member!r}. Correct the member's name, or pin the version of "
        "the archive that has it."
    )
