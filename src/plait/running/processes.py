"""Child processes that end together: with their stage, with a cancelled run, with plait itself.

Every child has a mark in its environment, which its descendants inherit. Processes are found by
that mark, so that a descendant ends even if it changed its process group or lost its parent.
"""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType

import psutil
from filelock import FileLock, Timeout

from plait.files import sweep

MARK = "PLAIT_PROCESSES"
"""Environment variable of every child: `FOLDER|RUN|NUMBER|`."""
GRACE = 4.0
"""Seconds between asking a process to end and killing it."""
STARTING = 0.5
"""Seconds after its birth in which a process without an environment is one that still starts."""


class Stopped(Exception):  # noqa: N818 - a state of affairs, not an error
    """The run is cancelled; no process is started any more."""


def marked(prefix: str) -> list[psutil.Process]:
    """The living processes whose mark begins with `prefix`."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if _mark(process).startswith(prefix):
                found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def _mark(process: psutil.Process) -> str:
    """The mark in its environment, which is empty for a moment while a program starts."""
    while not (environment := process.environ()):
        if time.time() - process.create_time() > STARTING or process.status() == "zombie":
            break
        time.sleep(0.002)
    return environment.get(MARK, "")


def end(prefix: str, grace: float = GRACE, leaders: frozenset[int] = frozenset()) -> None:
    """End all processes whose mark begins with `prefix`; kill those that live after `grace` s.

    `leaders` get SIGINT instead of SIGTERM: only then DVC removes its entries from its lock file.
    """
    asked: set[int] = set()
    deadline = time.monotonic() + grace
    while processes := marked(prefix):
        late = time.monotonic() > deadline
        for process in processes:
            with suppress(psutil.Error):
                if late:
                    process.kill()
                elif process.pid not in asked:
                    asked.add(process.pid)
                    process.send_signal(signal.SIGINT if process.pid in leaders else signal.SIGTERM)
        time.sleep(0.05)


class Processes:
    """The processes of one run, as a context that ends all of them when it is left.

    A watchdog process ends them even if plait itself is killed. Ctrl-C ends them at once and
    raises `KeyboardInterrupt`.
    """

    def __init__(self, folder: Path) -> None:
        self.mark = f"{folder}|{uuid.uuid4().hex}|"
        self._numbers = itertools.count()
        self._leaders: set[int] = set()
        self._lock = threading.Lock()
        self.stopped = False
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._restore: Callable[[], object] = lambda: None

    def __enter__(self) -> "Processes":
        command = [sys.executable, "-P", "-m", "plait.running.watchdog", self.mark]
        self._watchdog = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        if threading.current_thread() is threading.main_thread():
            before = signal.signal(signal.SIGINT, self._interrupted)
            self._restore = lambda: signal.signal(signal.SIGINT, before)
        return self

    def _interrupted(self, _signal: int, _frame: FrameType | None) -> None:
        # The exception alone is not enough: a library that catches everything, or an event loop
        # that is about to end, may swallow it.
        threading.Thread(target=self.stop).start()
        raise KeyboardInterrupt

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._restore()
        if self._watchdog is not None:
            self._watchdog.communicate()

    def stop(self) -> None:
        """End all processes, within about `GRACE` seconds, and start no more."""
        with self._lock:
            self.stopped = True
            leaders = frozenset(self._leaders)
        end(self.mark, leaders=leaders)

    def raise_if_stopped(self) -> None:
        """Raise `Stopped` if the run is cancelled."""
        if self.stopped:
            raise Stopped

    def run(
        self,
        command: Sequence[str],
        on_line: Callable[[str], None],
        env: Mapping[str, str] | None = None,
    ) -> int:
        """Run a command; `on_line` receives each line of its output, in this thread.

        All descendants of the command have ended when this returns, even if it was killed.

        Returns:
            The exit status; negative if a signal ended the command.

        Raises:
            Stopped: `stop` was called before or during the command.
        """
        mark = f"{self.mark}{next(self._numbers)}|"
        process = self._start(command, {**(os.environ if env is None else env), MARK: mark})
        # Descendants inherit the pipe: its output ends only when all of them have ended.
        reaper = threading.Thread(target=_reap, args=(process, mark))
        reaper.start()
        try:
            assert process.stdout is not None  # noqa: S101 - for the type checker
            with process.stdout as lines:
                for line in lines:
                    on_line(line.rstrip())
        finally:
            if reaper.is_alive() and sys.exc_info()[0] is not None:
                end(mark, leaders=frozenset({process.pid}))
            reaper.join()
            with self._lock:
                self._leaders.discard(process.pid)
        self.raise_if_stopped()
        return process.returncode

    def _start(self, command: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[str]:
        with self._lock:
            self.raise_if_stopped()
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=env,
                start_new_session=True,
            )
            self._leaders.add(process.pid)
            return process


def _reap(process: "subprocess.Popen[str]", mark: str) -> None:
    process.wait()
    end(mark, grace=0)


@contextmanager
def only_run(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold `folder`/.plait/run.lock: one run at a time changes a project's outputs.

    `waiting` is called if another run holds the lock. The system frees the lock when its holder
    ends. Before the block begins, processes of a killed holder are ended, and its partial files in
    `folder`, which may hold held-out rows, are removed (`plait.files.sweep`).
    """
    with alone(folder / ".plait" / "run.lock", waiting):
        end(f"{folder}|")
        sweep(folder)
        yield


@contextmanager
def alone(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock `path`; `waiting` is called if another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
