"""Processes that answer windows side by side, each with models of its own."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait import machine
from plait.errors import PlaitError
from plait.registry.records import Record
from plait.registry.store import Registry
from plait.serving.batch.columns import Column, answered
from plait.serving.service import Service

AHEAD = 2
"""Windows that wait for a process, beside those at work."""
Answers = list[list[Any]]
Asked = Iterator[tuple[Any, list[str]]]


@dataclass(frozen=True)
class Worker:
    """What a process needs to answer.

    Attributes:
        threads: of each model; 0 lets it choose.
    """

    root: Path
    record: Record
    added: tuple[Column, ...]
    top: int
    threads: int = 0

    def open(self) -> Callable[[Sequence[str]], Answers]:
        """Load the models; what is returned answers texts."""
        if self.threads:
            machine.limit_threads(self.threads)
        service = Service.of(self.record, Registry(self.root))
        return lambda texts: answered(service, self.added, self.top, texts)


_opened: list[Callable[[Sequence[str]], Answers]] = []  # of this process


def _begin(worker: Worker) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _opened.append(worker.open())


def _end_with_parent() -> None:
    """A parent that is killed can't end its children."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _answer(texts: list[str]) -> Answers:
    return _opened[0](texts)


def answers(worker: Worker, asked: Asked, processes: int) -> Iterator[tuple[Any, Answers]]:
    """Answers to the texts of each pair, in order; the first of each pair comes back with them.

    A process answers in this one; several read ahead by no more than they need to be busy.

    Raises:
        PlaitError: a process was ended from outside, or a model fails.
    """
    if processes == 1:
        answer = worker.open()
        yield from ((what, answer(texts)) for what, texts in asked)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _begin, (worker,)) as pool:
        try:
            yield from _in_turn(pool, asked, processes + AHEAD)
        except BrokenProcessPool as error:
            raise PlaitError(
                "a process that answers was ended from outside (out of memory, or killed). What "
                "is answered stays: run the same command again, with fewer `--processes`."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _in_turn(pool: Any, asked: Asked, ahead: int) -> Iterator[tuple[Any, Answers]]:
    waiting: deque[tuple[Any, Future[Answers]]] = deque()
    for what, texts in asked:
        waiting.append((what, pool.submit(_answer, texts)))
        if len(waiting) >= ahead:
            first, future = waiting.popleft()
            yield first, future.result()
    while waiting:
        first, future = waiting.popleft()
        yield first, future.result()
