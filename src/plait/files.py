"""Write files and folders whole or not at all: under a temporary name, then renamed to their place.

Guarantees for every `path` that `atomic_write` or `atomic_folder` writes:

- After an error in the block `path` is unchanged, and no temporary file is left.
- After a kill at any moment a file has its old or its new content, whole. A folder is absent
  between two renames; `restore` puts it back. Both writers call it first; a reader that may run
  after a kill must call it, too. A reader that runs beside a writer needs a lock.
- A power cut has the same effects as a kill: contents are synced to disk before the rename, and the
  rename is synced before the old content is removed.

Temporary names beside `path` are `.NAME.PID.partial`, which is useless without its writer, and
`.NAME.PID.old`, the old folder, which is always whole: it is renamed to `.partial` before it is
removed.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

_LEFTOVER = re.compile(r"\.(?P<name>.+)\.[0-9]+\.(partial|old)")


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a binary file that appears at `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    restore(path)
    partial = _beside(path, "partial")
    with _claimed(partial, lambda: partial.touch(exist_ok=False)):
        try:
            with partial.open("wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        with suppress(OSError):  # the new file is in place: an error would say otherwise
            _sync(path.parent)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    restore(path)
    partial = _beside(path, "partial")
    with _claimed(partial, partial.mkdir):
        try:
            yield partial
            for folder, _, names in os.walk(partial, topdown=False):
                for name in names:
                    _sync(Path(folder, name))
                _sync(Path(folder))
            _put_in_place(partial, path)
        finally:
            _drop(partial)


def _put_in_place(partial: Path, path: Path) -> None:
    old = _beside(path, "old")
    with ExitStack() as held:
        try:
            if path.exists():
                held.enter_context(_held(path))
                path.rename(old)
            partial.rename(path)
        finally:
            if not path.exists() and old.exists():
                old.rename(path)
        with suppress(OSError):  # the new folder is in place: an error would say otherwise
            _sync(path.parent)
            if old.exists():
                _drop(old)


def restore(path: Path) -> None:
    """Repair `path` after a kill: put the old folder back if `path` is absent; remove leftovers."""
    sweep(path.parent, path.name)


def sweep(folder: Path, only: str | None = None) -> None:
    """`restore` each path in `folder`, or only the one named `only`.

    Leftovers that this process has no permission to change stay.
    """
    for leftover in sorted(folder.iterdir()) if folder.is_dir() else []:
        found = _LEFTOVER.fullmatch(leftover.name)
        if found and only in (None, found["name"]):
            with suppress(OSError):
                _settle(leftover, folder / found["name"])


def _settle(leftover: Path, path: Path) -> None:
    old = leftover.suffix == ".old"
    if old and not leftover.is_dir():  # not written here: only folders get this name
        return
    # Several processes may do this at once: each must see `path` after one has restored it.
    with _held(leftover, wait=old and not path.exists()):
        if old and not path.exists():
            leftover.rename(path)
        else:
            _drop(leftover)


def remove(folder: Path) -> None:
    """Remove a folder; after a kill it is whole or gone, and `restore` removes the rest."""
    restore(folder)
    _drop(folder)


def _drop(path: Path) -> None:
    """Remove a file or folder, after renaming it to a `.partial` name."""
    ours = _LEFTOVER.fullmatch(path.name)
    doomed = path.with_suffix(".partial") if ours else _beside(path, "partial")
    if doomed != path:
        path.rename(doomed)
        _sync(path.parent)
    if doomed.is_dir():
        shutil.rmtree(doomed, ignore_errors=True)
    else:
        doomed.unlink(missing_ok=True)


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{kind}")


@contextmanager
def _claimed(path: Path, make: Callable[[], None]) -> Iterator[None]:
    """Make `path` and lock it; try again if a sweep removes it between the two."""
    with ExitStack() as held:
        while True:
            make()
            with suppress(FileNotFoundError):
                held.enter_context(_held(path))
                if path.exists():
                    break
        yield


@contextmanager
def _held(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a file or folder, which shows that its writer is alive.

    The process number in a name can't show that: another process may have it, later or in another
    container on the same disk. The system frees this lock when its holder ends, and refuses it to a
    second attempt of the same process. The lock stays with a folder that is renamed. Machines on
    one network disk don't see each other's locks on folders: there the locks of the run and of the
    registry must keep writers apart.

    Raises:
        BlockingIOError: another process holds the lock, and `wait` is false.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        # Closing alone would leave the lock with a child that was forked meanwhile.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _sync(path: Path) -> None:
    """Sync a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def dump_json(value: Any) -> bytes:
    """JSON bytes, equal on every machine: sorted keys, indented by two spaces, final newline."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, whole or not at all."""
    with atomic_write(path) as stream:
        stream.write(dump_json(value))


def read_json(path: Path) -> Any:
    """The value of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def json_line(value: Any) -> bytes:
    """One line of a JSONL file, equal on every machine: compact, sorted keys."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def write_jsonl(path: Path, values: Iterable[Any]) -> None:
    """Write one compact JSON value per line, whole or not at all."""
    with atomic_write(path) as stream:
        for value in values:
            stream.write(json_line(value))


def read_jsonl(path: Path) -> Iterator[Any]:
    """The values of a JSONL file that plait wrote itself."""
    with path.open(encoding="utf-8", newline="\n") as stream:
        for line in stream:
            yield json.loads(line)
