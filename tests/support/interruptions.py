"""What may stop a write: a full disk, or a kill, before any one of its steps."""

import ctypes
import errno
import itertools
import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

import pytest

NEEDS_SPACE = frozenset({"open", "os.mkdir", "os.rename", "fsync"})
"""Steps that a full disk refuses."""
ALL = NEEDS_SPACE | {"os.remove", "os.rmdir"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_listening: list["Step"] = []  # a hook for audit events can't be taken away again


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if _listening and event in ALL and (event != "open" or _writes(*arguments)):
        _listening[-1].before(event)


def _writes(path: object, _mode: object, flags: int) -> bool:
    return bool(flags & _WRITES) and not str(path).startswith("/dev/")


sys.addaudithook(_heard)


class Step:
    """Counts what a block does to the disk, and stops it before the step of number `at`."""

    def __init__(
        self, stop: Callable[[], None], at: int | None, events: frozenset[str] = ALL
    ) -> None:
        self.count, self.stop, self.at, self.events = 0, stop, at, events
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> "Step":
        fsync = os.fsync

        def watched(descriptor: int) -> None:  # the one step that the system doesn't tell of
            self.before("fsync")
            fsync(descriptor)

        self._patch.setattr(os, "fsync", watched)
        _listening.append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _listening.remove(self)
        self._patch.undo()

    def before(self, event: str) -> None:
        if event in self.events:
            self.count += 1
            if self.count - 1 == self.at:
                self.stop()


def disk_full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def heed_permissions() -> None:
    """Let this process heed the permissions of files, as every user but root does."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this thread: capset(2)
    data = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, data) == 0
    for word in (0, 1):
        data[word] &= ~0b1110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
    assert libc.capset(header, data) == 0


def in_child(work: Callable[[], object]) -> int:
    """Run in a forked process; returns the signal that ended it, or 0.

    Raises:
        AssertionError: it failed otherwise; its traceback is on stderr.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended <= 0, "the child failed"
    return -ended


def killed_before(at: int, work: Callable[[], object]) -> bool:
    """Whether `work`, in a child, has a step of number `at`, before which it was killed."""

    def until_then() -> None:
        with Step(killed, at):
            work()

    return in_child(until_then) == signal.SIGKILL


def killed_at_every_step(work: Callable[[], object], after: Callable[[], object]) -> int:
    """Kill `work` before each of its steps, anew each time, and look at what is left by `after`.

    Returns how many steps there are.
    """
    for at in itertools.count():
        if not killed_before(at, work):
            return at
        after()
    raise AssertionError
