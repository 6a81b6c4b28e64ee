"""Processes beside a test that read a registry or act on it, until they are killed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plait.registry import store
from plait.registry.store import Registry


def complete(root: Path, service: str) -> int:
    """The number of a service's champion, whose plan is whole."""
    champion = Registry(root).require(service)
    for digest in champion.bundles.values():
        Registry(root).bundle(digest)
    return champion.number


@contextmanager
def reader(root: Path, service: str) -> Iterator[None]:
    """Another process that reads the champion all the time, and finds it whole each time."""
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(ready)
            while os.getppid() != 1:
                complete(root, service)
                os.write(tell, b".")
                time.sleep(0.001)
            status = 0
        finally:
            os._exit(status)
    os.close(tell)
    try:
        assert os.read(ready, 1) == b"."
        yield
        os.set_blocking(ready, False)
        while _read(ready):
            pass
        while not _read(ready) and not _ended(child):
            time.sleep(0.001)
        assert not _ended(child), "the reader found a champion that isn't whole"
    finally:
        os.close(ready)
        end(child)


def _read(pipe: int) -> bytes:
    try:
        return os.read(pipe, 1 << 16)
    except BlockingIOError:
        return b""


def _ended(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end(child: int) -> int:
    """Kill a child; returns the signal that ended it, or 0."""
    if not _ended(child):
        os.kill(child, signal.SIGKILL)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return -min(ended, 0)


def started(root: Path, act: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch) -> int:
    """A process that acts; returns when it has the registry's lock."""
    locked, tell = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            sweep = store.sweep
            monkeypatch.setattr(store, "sweep", lambda path: (os.write(tell, b"!"), sweep(path)))
            act(root)
            status = 0
        finally:
            os._exit(status)
    os.close(tell)
    assert os.read(locked, 1) == b"!"
    os.close(locked)
    return child
