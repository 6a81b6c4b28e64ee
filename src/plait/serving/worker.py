"""A thread that models work in, beside the event loop."""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from plait.machine import limit_threads

T = TypeVar("T")


class Worker:
    """Does one job after the other. Its thread ends with the process, whatever it is doing: an
    executor of the standard library would keep a server that was told to stop from ending.

    Args:
        threads: that models which are loaded or asked here answer with.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._threads = threads
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def do(self, job: Callable[..., T], *arguments: Any) -> T:
        """The result of a job, or the exception that it raised."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def done(set_it: Callable[[Any], None], value: object) -> None:
            if not future.done():  # cancelled meanwhile
                set_it(value)

        def run() -> None:
            try:
                found = job(*arguments)
            except Exception as error:
                loop.call_soon_threadsafe(done, future.set_exception, error)
            else:
                loop.call_soon_threadsafe(done, future.set_result, found)

        self._jobs.put(run)
        return await future

    def _work(self) -> None:
        limit_threads(self._threads)
        while True:
            job = self._jobs.get()
            try:
                job()
            except RuntimeError:  # the loop is closed: nobody waits any more
                return
