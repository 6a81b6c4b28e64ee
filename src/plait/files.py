"""Whole files and folders or none: what is written gets a temporary name, then its place by rename.

The promise, for every `path` that `atomic_write` or `atomic_folder` writes:

- An error in the block leaves `path` as it was, and nothing beside it.
- A kill at any moment leaves a file as it was or as it should be, whole. A folder is away between
  two renames; `restore` puts it back. Both writers call it first, and so must a reader who may come
  after a kill. Who reads beside a living writer needs a lock of his own.
- A power cut does no more than a kill: contents are on the disk before they get their place, and
  the place is on the disk before what stood there is removed.

Beside `path` lie, meanwhile, `.NAME.PID.partial`, which is worth nothing without its writer, and
`.NAME.PID.old`, the folder that stood there. The latter is whole at all times: to be removed, it is
called `.partial` first.
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
    """Open a binary file that appears at `path` only when the block ends without an error."""
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
        with suppress(OSError):  # it is in place: this is no failure that leaves the old file
            _sync(path.parent)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `path` only when the block ends well."""
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
        with suppress(OSError):  # it is in place: this is no failure that leaves the old folder
            _sync(path.parent)
            if old.exists():
                _drop(old)


def restore(path: Path) -> None:
    """Make `path` whole after a kill: put the old folder back if it is away, remove leftovers."""
    sweep(path.parent, path.name)


def sweep(folder: Path, only: str | None = None) -> None:
    """`restore` each path in `folder`, or the one that is named.

    Where this process may not write, leftovers stay for one that may.
    """
    for leftover in sorted(folder.iterdir()) if folder.is_dir() else []:
        found = _LEFTOVER.fullmatch(leftover.name)
        if found and only in (None, found["name"]):
            with suppress(OSError):
                _settle(leftover, folder / found["name"])


def _settle(leftover: Path, path: Path) -> None:
    old = leftover.suffix == ".old"
    if old and not leftover.is_dir():  # not ours: no file stands aside
        return
    # Several processes may begin at once: all must find `path` once one of them restores it.
    with _held(leftover, wait=old and not path.exists()):
        if old and not path.exists():
            leftover.rename(path)
        else:
            _drop(leftover)


def remove(folder: Path) -> None:
    """Remove a folder: a kill leaves it whole or gone, and the rest to `restore`."""
    restore(folder)
    _drop(folder)


def _drop(path: Path) -> None:
    """Remove a file or folder, under a name that says that it is worth nothing."""
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
    """Make `path` and hold it. Where a sweep came between the two, it is gone: once more."""
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
    """Hold the lock of a file or folder, which says that its writer lives.

    The number in a name can't say so: it may belong to a later process, and in a container that
    shares the disk to another one, or to one that isn't seen from here; the first process of each
    container has the same. The system keeps this lock for as long as its holder lives, tells all
    who share the disk's system of it, and refuses it to the holder's own second attempt, too. It
    stays with a folder that is renamed. Several machines on one network disk don't see each
    other's locks on folders: there the locks of run and registry must keep writers apart.

    Raises:
        BlockingIOError: another holds it and `wait` is false.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        # Closing alone would leave the lock to a child that was forked meanwhile.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _sync(path: Path) -> None:
    """See a file, or the names in a folder, onto the disk."""
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
    """JSON bytes that are equal on every machine: sorted keys, two spaces, one newline."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, whole or not at all."""
    with atomic_write(path) as stream:
        stream.write(dump_json(value))


def read_json(path: Path) -> Any:
    """The value of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def json_line(value: Any) -> bytes:
    """One line of a JSONL file: compact, sorted keys, equal on every machine."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def write_jsonl(path: Path, values: Iterable[Any]) -> None:
    """Write one compact JSON value a line, whole or not at all."""
    with atomic_write(path) as stream:
        for value in values:
            stream.write(json_line(value))


def read_jsonl(path: Path) -> Iterator[Any]:
    """The values of a JSONL file that plait wrote itself."""
    with path.open(encoding="utf-8", newline="\n") as stream:
        for line in stream:
            yield json.loads(line)
