"""Open a file of the user, compressed or not, as a stream of bytes."""

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from plait.datasets.formats.layout import Layout
from plait.errors import PlaitError

COMPRESSED = {".gz": "gzip", ".zst": "zstd"}
Records = Iterator[tuple[int, dict[str, Any]]]
"""Line (or row) number and columns of each row."""
_HIDDEN = ("__MACOSX/", ".")
# A password is a RuntimeError, a kind of compression that Python lacks a NotImplementedError.
_ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, UnicodeDecodeError)


@dataclass(frozen=True)
class RawFile:
    """A file to read: `path` is opened, `shown` is what the user calls it.

    `wanted` are the columns that are read, for formats that can leave others out; they must exist.
    """

    path: Path
    shown: Path
    layout: Layout = field(default_factory=Layout)
    wanted: tuple[str, ...] = ()


def plain_suffix(name: str) -> str:
    """The suffix in lower case, of what is compressed if it is: `.csv` of `A.CSV.gz`."""
    path = Path(name.lower())
    return path.suffixes[-2] if path.suffix in COMPRESSED and path.suffixes[1:] else path.suffix


def content_suffix(file: RawFile) -> str:
    """The suffix of the content; a zip archive has that of its member.

    Raises:
        PlaitError: the archive has no member, or several.
    """
    suffix = plain_suffix(file.shown.name)
    if suffix != ".zip":
        return suffix
    with _archive(file) as archive:
        return plain_suffix(_member(file, archive))


@contextmanager
def _archive(file: RawFile) -> Iterator[zipfile.ZipFile]:
    """Only one member's content is read: nothing is written under a name that the archive gives."""
    try:
        with zipfile.ZipFile(file.path) as archive:
            yield archive
    except _ZIP_FAULTS as error:
        raise PlaitError(
            f"{file.shown}: not a readable zip archive ({error}). Pack or copy it again, without "
            "a password."
        ) from error


def _member(file: RawFile, archive: zipfile.ZipFile) -> str:
    names = [name for name in archive.namelist() if not name.endswith("/")]
    names = [name for name in names if not name.startswith(_HIDDEN)]
    if len(names) != 1:
        raise PlaitError(
            f"{file.shown}: holds {len(names)} files ({', '.join(names[:5]) or 'none'}), expected "
            "one. Unpack the archive and name its files."
        )
    return names[0]


@contextmanager
def open_bytes(file: RawFile) -> Iterator[IO[bytes]]:
    """The file's content, decompressed.

    Raises:
        PlaitError: the compressed file is damaged or cut off; also while it is read.
    """
    suffix = file.shown.suffix.lower()
    if suffix == ".zip":
        with _archive(file) as archive, archive.open(_member(file, archive)) as stream:
            yield stream
    elif suffix in COMPRESSED:
        yield from _decompressed(file, COMPRESSED[suffix])
    else:
        with file.path.open("rb") as stream:
            yield stream


def _decompressed(file: RawFile, kind: str) -> Iterator[Any]:
    import pyarrow

    try:
        # Unlike zstandard's reader, this one refuses a file that was cut off.
        with pyarrow.input_stream(str(file.path), compression=kind) as stream:
            yield stream
    except OSError as error:
        raise PlaitError(
            f"{file.shown}: not a whole {kind} file ({error}). Compress or copy it again."
        ) from error


@contextmanager
def open_seekable(file: RawFile) -> Iterator[IO[bytes]]:
    """The file's content as a stream that can seek; a compressed one is unpacked to the disk."""
    with open_bytes(file) as stream:
        if file.shown.suffix.lower() not in {".zip", *COMPRESSED}:
            yield stream
            return
        with tempfile.TemporaryFile() as unpacked:
            shutil.copyfileobj(stream, unpacked, 1 << 20)
            unpacked.seek(0)
            yield unpacked
