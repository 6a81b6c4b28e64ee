"""The work folder of a job, `OUT.parts` beside its output: what is done, and of which job.

    job.json            what is answered, by what and how; written first
    00000-1024.part, …  by number, the rows of a window with answers, each whole or not at all
    lock                held by the process at work; the system lets go of it when that ends

The output is made of the parts and appears by one rename; then the folder goes.
"""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from plait.errors import PlaitError
from plait.files import atomic_write, dump_json, read_json, sweep, write_json

_PART = re.compile(r"\d{5,}-\d+\.part")
JOB, LOCK = "job.json", "lock"


@dataclass(frozen=True)
class Parts:
    """The work folder of the output `out`."""

    out: Path

    @property
    def folder(self) -> Path:
        return self.out.with_name(f"{self.out.name}.parts")

    @contextmanager
    def alone(self, wait: bool = False) -> Iterator[None]:
        """Make the folder, and hold it against other processes.

        Raises:
            PlaitError: another one is at work here; with `wait` its end is waited for.
        """
        try:
            lock = self._locked(wait)
        except BlockingIOError as error:
            raise PlaitError(
                f"{self.folder}: another process is at work on {self.out.name}. Wait for its end, "
                "or name another `--out`."
            ) from error
        try:
            sweep(self.folder)
            self._check_own()
            yield
        finally:
            if not (self.folder / JOB).exists():
                self._drop()
            os.close(lock)

    def _check_own(self) -> None:
        for path in self.folder.iterdir():
            if path.name not in (JOB, LOCK) and not _PART.fullmatch(path.name):
                raise PlaitError(
                    f"{self.folder}: found {path.name}, which no job wrote; expected a folder for "
                    "what is answered so far. Move it, or name another `--out`."
                )

    def _drop(self) -> None:
        """Remove the folder; files that are not ours keep it."""
        with suppress(OSError):
            for path in [*self.folder.glob("*.part"), self.folder / LOCK]:
                path.unlink(missing_ok=True)
            self.folder.rmdir()

    def _locked(self, wait: bool) -> int:
        """Descriptor of the lock file, locked: of the one that is there, not of one that went."""
        path = self.folder / LOCK
        while True:
            with told(self.out):
                self.folder.mkdir(exist_ok=True)
            with suppress(FileNotFoundError), ExitStack() as opened:
                lock = os.open(path, os.O_RDWR | os.O_CREAT)
                opened.callback(os.close, lock)
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                if os.path.samestat(os.fstat(lock), path.stat()):
                    opened.pop_all()
                    return lock

    def job(self) -> dict[str, Any] | None:
        """What an earlier process began here; None where there is nothing."""
        path = self.folder / JOB
        if not path.is_file():
            return None
        found: dict[str, Any] = read_json(path)
        return found

    def begin(self, job: Mapping[str, Any]) -> None:
        """Write down what is done here; parts of another job go."""
        with told(self.out):
            (self.folder / JOB).unlink(missing_ok=True)
            for path in self.folder.glob("*.part"):
                path.unlink()
            write_json(self.folder / JOB, job)

    def paths(self) -> Iterator[Path]:
        """The parts, in order."""
        return iter(sorted(self.folder.glob("*.part"), key=lambda path: _numbers(path)[0]))

    def done(self) -> dict[int, int]:
        """By number of a window that is answered its rows."""
        return dict(map(_numbers, self.folder.glob("*.part")))

    def write(self, number: int, rows: int, content: bytes) -> None:
        """Write a part.

        Raises:
            PlaitError: the disk is full, or refuses.
        """
        path = self.folder / f"{number:05d}-{rows}.part"
        with told(self.out), atomic_write(path) as stream:
            stream.write(content)

    @contextmanager
    def output(self) -> Iterator[IO[bytes]]:
        """The output, which appears when the block ends without an error."""
        with told(self.out), atomic_write(self.out) as stream:
            yield stream

    def end(self) -> None:
        """The job is done: the folder goes when it is let go of."""
        (self.folder / JOB).unlink(missing_ok=True)


def _numbers(path: Path) -> tuple[int, int]:
    number, rows = path.stem.split("-")
    return int(number), int(rows)


@contextmanager
def told(out: Path) -> Iterator[None]:
    """An error of the disk as a sentence."""
    try:
        yield
    except OSError as error:
        raise PlaitError(
            f"{out}: could not be written ({error.strerror or error}); what is answered stays in "
            f"{out.name}.parts. Free some space or mend the folder, and run the same command again."
        ) from error


def same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """How two jobs differ, `name: found → wanted`."""
    return [
        f"{name} ({_short(found.get(name))}, now {_short(wanted.get(name))})"
        for name in wanted
        if dump_json(found.get(name)) != dump_json(wanted.get(name))
    ]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 20 else f"{text[:12]}…"
