"""Load for `plait serve`: requests that were built beforehand, over connections that stay open.

It parses of a response what it must, so that the processor is the server's. `closed` asks the next
question when the last is answered; `opened` asks at random moments, as many users do, and counts
the time from the moment that was drawn, so that a slow server hides no waiting (coordinated
omission).
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit


@dataclass
class Load:
    """What came of a load.

    Attributes:
        seconds: of each request that was answered with 200, in the order of answers.
        statuses: requests by HTTP status; `broken`: connections that ended without an answer.
        lasted: seconds from the first request to the last answer.
        records: requests by the number of the record that answered, where they are read.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    lasted: float = 0.0
    records: Counter[int] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        """Requests that were not answered with 200."""
        return sum(self.statuses.values()) - self.statuses["200"]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.lasted if self.lasted else 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of answers came."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def request(text: str, host: str = "127.0.0.1", token: str = "") -> bytes:
    """The bytes of a question."""
    body = json.dumps({"text": text}).encode()
    secret = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST /v1/predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{secret}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """One question at a time."""

    def __init__(self) -> None:
        self.buffer = b""
        self.answer: asyncio.Future[bytes] | None = None
        self.open = True
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        at = head.find(b"content-length: ")
        length = int(head[at + 16 :].split(b"\r\n", 1)[0])
        if len(self.buffer) >= end + 4 + length and self.answer and not self.answer.done():
            self.open = self.open and b"connection: close" not in head
            found, self.buffer = self.buffer, b""
            self.answer.set_result(found)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self.answer and not self.answer.done():
            self.answer.set_exception(ConnectionError("no answer"))

    async def ask(self, question: bytes) -> bytes:
        """The whole response.

        Raises:
            ConnectionError: the connection ended before.
        """
        if self.transport is None or not self.open:
            raise ConnectionError("closed")
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(question)
        return await self.answer


class Pool:
    """Connections that are open and free."""

    def __init__(self, url: str, load: Load, read: bool) -> None:
        place = urlsplit(url)
        self.host, self.port = place.hostname, place.port
        self.load, self.read = load, read
        self.free: list[Connection] = []

    async def connection(self) -> Connection:
        """One that nobody uses."""
        while self.free:
            found = self.free.pop()
            if found.open:
                return found
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(Connection, self.host, self.port)
        return made

    async def ask(self, question: bytes, began: float) -> None:
        """Ask, and note what came."""
        try:
            connection = await self.connection()
            response = await connection.ask(question)
        except OSError:
            self.load.statuses["broken"] += 1
            return
        if connection.open:
            self.free.append(connection)
        status = response[9:12].decode()
        self.load.statuses[status] += 1
        if status == "200":
            self.load.seconds.append(time.perf_counter() - began)
            if self.read:
                body = response[response.index(b"\r\n\r\n") + 4 :]
                self.load.records[json.loads(body)["record"]] += 1


async def closed(
    url: str,
    questions: Sequence[bytes],
    clients: int,
    go_on: Callable[[int, float], bool],
    read: bool = False,
) -> Load:
    """Clients that ask one question after the other.

    Args:
        go_on: whether to ask more, by the questions so far and the seconds since the first.
        read: whether answers are read for who gave them.
    """
    load = Load()
    pool, numbers, began = Pool(url, load, read), count(), time.perf_counter()

    async def client() -> None:
        while go_on(number := next(numbers), time.perf_counter() - began):
            await pool.ask(questions[number % len(questions)], time.perf_counter())

    await asyncio.gather(*(client() for _ in range(clients)))
    load.lasted = time.perf_counter() - began
    return load


async def opened(url: str, questions: Sequence[bytes], rate: float, seconds: float) -> Load:
    """Questions at random moments (a Poisson process), `rate` a second."""
    load, draw = Load(), random.Random(0)
    pool, began = Pool(url, load, read=False), time.perf_counter()
    tasks: list[asyncio.Task[None]] = []
    moment = draw.expovariate(rate)
    while moment < seconds:
        await asyncio.sleep(max(0.0, began + moment - time.perf_counter()))
        question = questions[len(tasks) % len(questions)]
        tasks.append(asyncio.create_task(pool.ask(question, began + moment)))
        moment += draw.expovariate(rate)
    await asyncio.gather(*tasks)
    load.lasted = time.perf_counter() - began
    return load
