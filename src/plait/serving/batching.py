"""Dynamic batching: texts of requests that wait at the same time run together.

While a batch runs, requests gather; the next batch takes texts of similar length from all of them
in turn, so that one with many texts holds up no other. A server with nothing to do answers at once.
After a batch of several requests the next one waits for a moment: clients that ask one request
after the other have only just got their answers.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from plait.errors import PlaitError
from plait.serving.failures import Refusal, failed
from plait.serving.limits import Limits
from plait.serving.log import Log, fault
from plait.serving.metrics import Metrics
from plait.serving.service import Reply, Service
from plait.serving.worker import Worker

SHORT = 64
"""Texts of up to so many characters are of one length; beyond, lengths double."""
TOGETHER = 4096
"""Characters of a batch of several texts: beyond, a batch only makes the others wait."""

WORTH = 0.5
"""Share of the time of the last batch for which the next may wait while texts keep coming."""


def size(text: str) -> int:
    """The class of a text's length; a batch holds texts of one class."""
    return max(0, math.ceil(math.log2(max(len(text), 1) / SHORT)))


@dataclass(eq=False)
class Ask:
    """The texts of one request, the champion that answers all of them, and what is still to do.

    Attributes:
        left: places of the texts that still wait, by class of length.
        batches: how many texts ran with this request's, batch by batch.
    """

    service: Service
    texts: Sequence[str]
    future: "asyncio.Future[list[Reply]]"
    left: dict[int, deque[int]] = field(default_factory=dict)
    replies: dict[int, Reply] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        for place, text in enumerate(self.texts):
            self.left.setdefault(size(text), deque()).append(place)

    def take(self, kind: int) -> int:
        """The place of the next text of a class."""
        places = self.left[kind]
        place = places.popleft()
        if not places:
            del self.left[kind]
        return place

    def waiting(self) -> int:
        """Texts that wait."""
        return sum(map(len, self.left.values()))

    def reply(self, place: int, reply: Reply) -> None:
        """Keep a reply; with the last one the request is answered."""
        self.replies[place] = reply
        if len(self.replies) == len(self.texts) and not self.future.done():
            self.future.set_result([self.replies[each] for each in range(len(self.texts))])

    def fail(self, error: Exception) -> None:
        """Give the request up."""
        self.left.clear()
        if not self.future.done():
            self.future.set_exception(error)


Batch = list[tuple[Ask, int]]
"""Requests, and the place of a text in each."""


class Batcher:
    """Gathers texts into batches and runs them, one after the other, in a thread.

    Args:
        most: texts of a batch.
        wait: seconds that a batch waits for a further text, shortly after the one before it.
        threads: that a model answers with.
    """

    def __init__(
        self, most: int, wait: float, threads: int, limits: Limits, metrics: Metrics, log: Log
    ) -> None:
        self.most, self.wait, self.limits = most, wait, limits
        self.metrics, self.log = metrics, log
        self._asks: deque[Ask] = deque()
        self._waiting = 0
        self._enough = asyncio.Event()
        self._wanted = self._expected = 1
        self._until = 0.0
        self._pace = 0.01
        self._worker = Worker("answers", threads)

    async def answer(self, service: Service, texts: Sequence[str]) -> Ask:
        """Answer texts, all of them by one champion.

        Raises:
            Refusal: too many texts wait, or the time is over.
        """
        self._check_room(len(texts))
        ask = Ask(service, texts, asyncio.get_running_loop().create_future())
        self._asks.append(ask)
        self._count(len(texts))
        if self._waiting >= self._wanted:
            self._enough.set()
        try:
            async with asyncio.timeout(self.limits.seconds):
                await ask.future
        except TimeoutError as error:
            raise self._too_slow() from error
        finally:
            self._drop(ask)
        return ask

    def _count(self, change: int) -> None:
        self._waiting += change
        self.metrics.queue.set(self._waiting)

    def _drop(self, ask: Ask) -> None:
        if ask.left:  # time is over, or the client is gone
            self._count(-ask.waiting())
            ask.left.clear()

    def _check_room(self, more: int) -> None:
        if self._waiting and self._waiting + more > self.limits.queue:
            seconds = max(1, math.ceil(self._waiting * self._pace))
            raise Refusal(
                429,
                "queue_full",
                f"{self._waiting} texts wait already; {more} more would exceed "
                f"{self.limits.queue}.",
                f"Send the request again in {seconds} s, or with fewer texts.",
                {"Retry-After": str(seconds)},
            )

    def _too_slow(self) -> Refusal:
        return Refusal(
            504,
            "timeout",
            f"No answer within {self.limits.seconds:g} s.",
            "Send fewer or shorter texts, or send the request again when less is asked.",
        )

    async def run(self) -> None:
        """Run batches until cancelled."""
        while True:
            await self._gather()
            if batch := self._form():
                await self._run(batch)

    async def _gather(self) -> None:
        """Wait for a first text; shortly after a batch, for as many as may come again."""
        if not self._waiting:
            self._enough.clear()
            await self._enough.wait()
        self._wanted, before = self._expected, 0
        # As long as more come, each within `wait`; clients come one by one from the event loop.
        while before < self._waiting < self._wanted and time.monotonic() < self._until:
            before = self._waiting
            await self._enough_within(self.wait)
        self._wanted = 1

    async def _enough_within(self, seconds: float) -> None:
        self._enough.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._enough.wait()

    def _form(self) -> Batch:
        """Texts of one champion and one class of length, from all requests in turn."""
        self._asks = deque(ask for ask in self._asks if ask.left)
        if not self._asks:
            return []
        first = self._asks[0]
        self._asks.rotate(-1)  # the next batch begins with another request
        kind = next(iter(first.left))
        turns = deque([first])
        turns += [a for a in self._asks if a is not first and a.service is first.service]
        batch: Batch = []
        characters = 0
        while turns and len(batch) < self.most:
            ask = turns.popleft()
            if kind in ask.left:
                place = ask.left[kind][0]
                characters += len(ask.texts[place])
                if batch and characters > TOGETHER:
                    break
                batch.append((ask, ask.take(kind)))
                turns.append(ask)
        self._count(-len(batch))
        return batch

    async def _run(self, batch: Batch) -> None:
        began = time.monotonic()
        found = await self._answers(batch)
        others = self._waiting
        for (ask, place), reply in zip(batch, found, strict=True):
            ask.batches.append(len(batch))
            if isinstance(reply, Reply):
                ask.reply(place, reply)
            else:
                self._drop(ask)
                ask.fail(reply)
        seconds = time.monotonic() - began
        self._note(len(batch), seconds)
        # Twice round the event loop: then these answers are written, and their clients free.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self._expected = min(self.most, len(batch) + others)
        self._until = time.monotonic() + max(self.wait, WORTH * seconds)

    def _note(self, texts: int, seconds: float) -> None:
        self._pace += 0.1 * (seconds / texts - self._pace)
        self.metrics.batches.observe(texts)
        self.metrics.batch_seconds.observe(seconds)

    async def _answers(self, batch: Batch) -> Sequence[Reply | Exception]:
        """The replies; of a batch that fails, each text by itself."""
        service, texts = batch[0][0].service, [ask.texts[place] for ask, place in batch]
        try:
            return await self._worker.do(service.answer, texts, len(texts))
        except Exception as error:  # whatever it is, only the text that it comes from is to fail
            if len(batch) == 1:
                return [self._failure(error)]
        return [(await self._answers([each]))[0] for each in batch]

    def _failure(self, error: Exception) -> Refusal:
        self.log.write("failed", **fault(error))
        if isinstance(error, PlaitError):
            return Refusal(503, "out_of_memory", str(error), "Send a shorter text.")
        return failed()
