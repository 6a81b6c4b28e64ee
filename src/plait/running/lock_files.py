"""Files of DVC's that a kill or a full disk may have cut: dvc.lock, and DVC's own locks."""

import fcntl
import json
import re
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from plait.files import atomic_write, write_json

Holders = dict[str, dict[str, Any]]
"""DVC's list of locks: `write` → path → holder, `read` → path → holders; with process numbers."""
BUSY = "is busy, it is being blocked by:"
"""What DVC says where another process works on the paths of a stage."""
POLL = 0.5
WRITING = 1.0
"""Seconds that DVC takes at most to write a file."""
CLOCK = 2.0
"""Seconds by which the clocks of processes and of files may differ."""
REMOVED = Path(".plait") / "removed"


def mend(folder: Path, say: Callable[[str], None]) -> None:
    """Replace each dvc.lock that DVC can't read, and forget holders of DVC's locks that are gone.

    Call it before DVC reads the project, while no other run works on it.
    """
    for path in _dvc_locks(folder):
        if path.is_file() and _stays_broken(path):
            say(_replace(folder, path))
    _forget_dead(folder / ".dvc" / "tmp" / "rwlock")


def _stays_broken(path: Path) -> bool:
    """Whether DVC can't read a file, and it isn't just being written by a person's DVC."""
    for pause in (0.0, WRITING):
        time.sleep(pause)
        if is_whole(path.read_bytes()):
            return False
    return True


def _dvc_locks(folder: Path) -> Iterator[Path]:
    yield folder / "dvc.lock"
    yield from sorted(path.with_name("dvc.lock") for path in folder.glob("*/dvc.yaml"))


def is_whole(content: bytes) -> bool:
    """Whether DVC can read this as a dvc.lock; a part of one may still be readable."""
    from dvc.dvcfile import Lockfile
    from dvc.utils.serialize import loads_yaml

    try:
        found = loads_yaml(content.decode())
        Lockfile.SCHEMA(found)
    except Exception:  # each of the libraries has its own
        return False
    return bool(found)


def _replace(folder: Path, path: Path) -> str:
    """Put the committed dvc.lock in place of a broken one; without one, remove it."""
    name = path.relative_to(folder).as_posix()
    aside = REMOVED / f"{name.replace('/', '-')}.broken"
    with atomic_write(folder / aside) as stream:
        stream.write(path.read_bytes())
    show = ["git", "-C", str(folder), "show", f"HEAD:./{name}"]
    committed = subprocess.run(show, capture_output=True, check=False)
    if committed.returncode == 0 and is_whole(committed.stdout):
        with atomic_write(path) as stream:
            stream.write(committed.stdout)
        done = "the committed one is back"
    else:
        path.unlink()
        done = "it begins anew, as none is committed"
    return (
        f"{name} was cut short by a kill or a full disk: {done}, and DVC's cache gives back what "
        f"stages had made since (the broken file: {aside})"
    )


def say_who_holds(folder: Path, say: Callable[[str], None]) -> None:
    """Say which process holds DVC's lock, if one does: DVC waits for it in silence."""
    path = folder / ".dvc" / "tmp" / "lock"
    if not path.is_file():
        return
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = stream.read().decode(errors="replace").strip()
            say(f"Waiting for process {pid} ({_command(pid)}), which holds DVC's lock")


def holders(lines: Iterable[str]) -> dict[int, str]:
    """Process number → command of those for which DVC refuses to run a stage, from its output."""
    text = "\n".join(lines)
    found = re.findall(r"^\s*\(PID (\d+)\): (.*)$", text, re.M) if BUSY in text else []
    return {int(pid): command for pid, command in found}


def wait_for(
    folder: Path, pids: Collection[int], on_wait: Callable[[], None] = lambda: None
) -> None:
    """Wait until none of these processes holds a path of DVC's graph; `on_wait` may end that."""
    path = folder / ".dvc" / "tmp" / "rwlock"
    _forget_dead(path)
    while _pids(path) & set(pids):
        on_wait()
        time.sleep(POLL)
        _forget_dead(path)


def _pids(path: Path) -> set[int]:
    found = (_living(path) if path.is_file() else None) or {"write": {}, "read": {}}
    read = [who for holders in found["read"].values() for who in holders]
    return {int(who["pid"]) for who in [*found["write"].values(), *read]}


def _command(pid: str) -> str:
    try:
        return " ".join(psutil.Process(int(pid)).cmdline())
    except (psutil.Error, ValueError):
        return "unknown"


def _forget_dead(path: Path) -> None:
    """Drop holders from DVC's list of locks whose process is gone, or whose number is another's."""
    from dvc.lock import LockError, make_lock

    if path.is_file():
        with suppress(LockError), make_lock(f"{path}.lock"):
            kept = _living(path)
            if kept is None:
                path.unlink()
            else:
                write_json(path, kept)


def _living(path: Path) -> Holders | None:
    """The holders that still run; None if the file can't be read."""
    written = path.stat().st_mtime
    try:
        found: Holders = json.loads(path.read_text(encoding="utf-8"))
        write = {out: who for out, who in found["write"].items() if _lives(who, written)}
        read = {
            each: [who for who in holders if _lives(who, written)]
            for each, holders in found["read"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return {"write": write, "read": {each: holders for each, holders in read.items() if holders}}


def _lives(holder: dict[str, Any], written: float) -> bool:
    """Whether the process runs that can have written what was written then."""
    try:
        return psutil.Process(int(holder["pid"])).create_time() <= written + CLOCK
    except psutil.Error:
        return False
