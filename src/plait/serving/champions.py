"""Who answers: the champion that the registry names, loaded beside the one before when it moves."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.errors import PlaitError
from plait.registry.records import Record
from plait.registry.store import Registry
from plait.serving.log import Log, fault
from plait.serving.metrics import Metrics
from plait.serving.service import Service
from plait.serving.worker import Worker

PROBE = "a"
"""A champion that can't answer this is not let in."""
UNKNOWN = -1
"""Number of a record that a damaged registry doesn't give."""
AGAIN = 30.0
"""Seconds until a champion that could not be loaded is tried again."""


@dataclass
class Champions:
    """The service that answers now, and the watch on its pointer.

    Attributes:
        root: the project's folder; None for a package, which has no pointer.
        threads: that models answer with; whoever loads a model has to say so.
        refused: number (-1: unknown) and message of the record that could not be loaded.
    """

    current: Service
    metrics: Metrics
    log: Log
    root: Path | None = None
    threads: int = 1
    refused: tuple[int, str] | None = None
    _seen: Any = field(default=None, init=False)
    _again: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._worker = Worker("loads", self.threads)
        self.metrics.serves(self.current)

    async def run(self, seconds: float = 1.0) -> None:
        """Look at the pointer every so many seconds, until cancelled."""
        while self.root is not None:
            await asyncio.sleep(seconds)
            await self._worker.do(self._look, self.root)

    def _look(self, root: Path) -> None:
        """Load the champion if the pointer was replaced; time and again if that fails."""
        champion = self.current.champion
        try:
            registry = Registry(root)
            stamp = _stamp(registry.pointer(champion.service, champion.stage))
            if stamp == self._seen and not (self.refused and time.monotonic() > self._again):
                return
            self._seen = stamp
            found = registry.require(champion.service, champion.stage)
        except Exception as error:  # the old champion goes on, whatever becomes of the registry
            self._refuse(UNKNOWN, error)
            return
        self._follow(registry, found)

    def _follow(self, registry: Registry, found: Record) -> None:
        """Let a champion answer, if it can."""
        if found.seal != self.current.champion.seal:
            try:
                loaded = Service.of(found, registry, self.current)
                loaded.answer([PROBE])
            except Exception as error:  # of any library that loads models
                self._refuse(found.number, error)
                return
            self.current = loaded
            self.metrics.serves(loaded)
            self.metrics.swaps.labels("swapped").inc()
            self.log.write("swapped", record=found.number, plan=found.plan)
        self.refused = None
        self.metrics.refused.set(0)

    def _refuse(self, number: int, error: Exception) -> None:
        message = str(error) if isinstance(error, PlaitError) else type(error).__name__
        if self.refused != (number, message):
            self.log.write("refused", record=number, message=message, **fault(error))
        self.refused = (number, message)
        self._again = time.monotonic() + AGAIN
        self.metrics.refused.set(number)
        self.metrics.swaps.labels("refused").inc()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes whenever a file is replaced; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
