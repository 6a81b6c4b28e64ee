"""`plait serve` under load, from a second process: latency, throughput, and what batching gains.

The parts of `benchmarks/serving.py` that are about HTTP. Ratios are of one run, the servers in
turns:

- `batching_over_none_32`: answers a second with dynamic batching by those with `--batch-size 1`, 32
  clients that ask short texts one after the other
- `onnx_over_eager`: median latency of torch by that of ONNX Runtime, one client, short texts;
  `onnx_over_eager_256` with texts of 256 tokens
- one process of two threads, of one thread, and two processes of one thread
- `hot_swap_failed`: requests that failed while the registry's pointer moved
- `soak`: growth of memory at 80 % of the capacity
"""

import asyncio
import multiprocessing
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from http_load import Load, closed, opened, request

WORDS = (
    *("turn", "on", "the", "kitchen", "lights", "please", "and", "play", "some", "quiet", "music"),
    *("what", "is", "the", "weather", "like", "in", "berlin", "this", "weekend", "or", "tomorrow"),
)
TOKENS = {"short": 10, "long": 254}
"""Words of a text, which are a token each; begin and end mark make 12 and 256."""
CLIENTS = (1, 8, 32, 128)
FRACTIONS = (0.3, 0.6, 0.9)
"""Of the capacity: the rates of arrival in open loop."""


@dataclass(frozen=True)
class Plan:
    """How much is measured: seconds of each load, and the counts of the others."""

    seconds: float = 10.0
    clients: Sequence[int] = CLIENTS
    fractions: Sequence[float] = FRACTIONS
    swap_requests: int = 20_000
    soak_minutes: float = 30.0


QUICK = Plan(1.0, (1, 32), (0.5,), 300, 0.2)


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    url: str
    process: subprocess.Popen[str]

    def memory(self) -> int:
        """Bytes of RAM."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def shared(self) -> int:
        """Bytes of RAM, those that processes share divided among them."""
        return int(psutil.Process(self.process.pid).memory_full_info().pss)


def texts(kind: str, count: int = 200) -> list[str]:
    """Texts of one length, no two alike."""
    length = TOKENS[kind]
    draw = random.Random(length)
    return [" ".join(draw.choices(WORDS, k=length)) for _ in range(count)]


@contextmanager
def serving(root: Path, service: str, *options: str) -> Iterator[Served]:
    """`plait serve` of a project in a process of its own, warm."""
    command = [sys.executable, "-m", "plait.cli", "serve", service, "--port", "0"]
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as log:
        process = subprocess.Popen(
            [*command, "--log", log.name, "--max-connections", "4096", *options],
            cwd=root,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout  # noqa: S101
        try:
            (url,) = re.findall(r"http://\S+", process.stdout.readline())
            for kind in TOKENS:
                run(closed, url, questions(kind), 4, 20)
            yield Served(url, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            process.stdout.close()


def questions(kind: str) -> list[bytes]:
    """Requests of one text each."""
    return [request(text) for text in texts(kind)]


def _child(pipe: Any, load: Callable[..., Any], arguments: Sequence[Any]) -> None:
    pipe.send(asyncio.run(load(*arguments)))


def run(
    load: Callable[..., Any], url: str, asked: Sequence[bytes], clients: float, count: float
) -> Load:
    """A load from a process of its own.

    Args:
        load: `closed`: with so many clients and questions; `opened`: at that rate and for so many
            seconds; `timed`: with so many clients for so many seconds.
    """
    here, there = multiprocessing.Pipe(duplex=False)
    target = counted if load is closed else load
    process = multiprocessing.get_context("fork").Process(
        target=_child, args=(there, target, (url, asked, clients, count))
    )
    process.start()
    found: Load = here.recv()
    process.join()
    return found


async def counted(url: str, asked: Sequence[bytes], clients: int, count: int) -> Load:
    """Closed loop with so many questions."""
    return await closed(url, asked, clients, lambda number, _: number < count, read=True)


async def timed(url: str, asked: Sequence[bytes], clients: int, seconds: float) -> Load:
    """Closed loop for so many seconds."""
    return await closed(url, asked, clients, lambda _, passed: passed < seconds)


def line(name: str, load: Load) -> str:
    """A row of the table."""
    found = [f"{load.percentile(share):.1f}" for share in (0.5, 0.95, 0.99)]
    return f"| {name} | {load.rate:.1f} | {' | '.join(found)} | {load.failed} |"


HEADER = ["| load | answers/s | p50 ms | p95 ms | p99 ms | failed |", "|---|---|---|---|---|---|"]


def loads(root: Path, service: str, plan: Plan) -> list[str]:
    """The table of all loads."""
    rows = list(HEADER)
    with serving(root, service) as served:
        for kind in TOKENS:
            best = 0.0
            for clients in plan.clients:
                found = run(timed, served.url, questions(kind), clients, plan.seconds)
                best = max(best, found.rate)
                rows.append(line(f"{kind}, {clients} clients", found))
            for fraction in plan.fractions:
                found = run(opened, served.url, questions(kind), fraction * best, plan.seconds)
                rows.append(line(f"{kind}, random at {fraction:.0%} of {best:.0f}/s", found))
    return rows


def batching(root: Path, service: str, plan: Plan, clients: int = 32) -> dict[str, float]:
    """`batching_over_none_32`, and both rates, from turns on two servers."""
    asked = questions("short")
    with serving(root, service) as ours, serving(root, service, "--batch-size", "1") as plain:
        rates: dict[str, list[Load]] = {"batching": [], "none": []}
        for _ in range(3):
            for name, served in (("batching", ours), ("none", plain)):
                rates[name].append(run(timed, served.url, asked, clients, plan.seconds))
    medians = {name: statistics.median(x.rate for x in found) for name, found in rates.items()}
    return {
        f"batching_over_none_{clients}": medians["batching"] / medians["none"],
        "answers/s with batching": medians["batching"],
        "answers/s without": medians["none"],
        "failed": sum(x.failed for found in rates.values() for x in found),
    }


def engines(root: Path, onnx: str, eager: str, plan: Plan) -> dict[str, float]:
    """`onnx_over_eager` for both lengths, one client, from turns on two servers."""
    found: dict[str, float] = {}
    with serving(root, onnx) as ours, serving(root, eager) as theirs:
        for kind, name in (("short", "onnx_over_eager"), ("long", "onnx_over_eager_256")):
            times: dict[str, list[float]] = {"onnx": [], "eager": []}
            for _ in range(3):
                for engine, served in (("onnx", ours), ("eager", theirs)):
                    load = run(timed, served.url, questions(kind), 1, plan.seconds)
                    times[engine].append(load.percentile(0.5))
            medians = {engine: statistics.median(each) for engine, each in times.items()}
            found[name] = medians["eager"] / medians["onnx"]
            found |= {f"p50 ms, {engine}, {kind}": value for engine, value in medians.items()}
    return found


def processes(root: Path, service: str, plan: Plan, clients: int = 32) -> dict[str, float]:
    """Rate and memory (PSS: what is shared counts by shares) of one process and of two."""
    found: dict[str, float] = {}
    for name, servers, threads in (("1 x 2 threads", 1, 2), ("1 x 1", 1, 1), ("2 x 1", 2, 1)):
        with ExitStack() as held:
            made = [
                held.enter_context(serving(root, service, "--threads", str(threads)))
                for _ in range(servers)
            ]
            with ThreadPoolExecutor(servers) as pool:
                share = clients // servers
                each = partial(run, timed, asked=questions("short"), clients=share)
                got = list(pool.map(lambda s, e=each: e(url=s.url, count=plan.seconds), made))
                alone = run(timed, made[0].url, questions("short"), 1, plan.seconds)
            found[f"answers/s, {name}"] = sum(load.rate for load in got)
            found[f"p50 ms of 1 client, {name}"] = alone.percentile(0.5)
            found[f"PSS MiB, {name}"] = sum(server.shared() for server in made) / 2**20
    return found


def swaps(root: Path, service: str, plan: Plan, clients: int = 8) -> dict[str, float]:
    """`hot_swap_failed` of many requests, while the pointer moves between the champions."""
    from plait.registry.store import Registry

    registry = Registry(root)
    history = [record for record in registry.history(service) if record.bundles]
    with serving(root, service) as served:
        here, there = multiprocessing.Pipe(duplex=False)
        arguments = (served.url, questions("short"), clients, plan.swap_requests)
        load = multiprocessing.Process(target=_child, args=(there, counted, arguments))
        load.start()
        moved = 0
        while not here.poll(1.5):
            registry.point(history[moved % len(history)])
            moved += 1
        found: Load = here.recv()
        load.join()
    registry.point(history[-1])
    return {
        "hot_swap_failed": found.failed,
        "hot_swap_requests": sum(found.statuses.values()),
        "pointer moved": moved,
        "champions that answered": len(found.records),
        "p99 ms": found.percentile(0.99),
    }


def soak(root: Path, service: str, plan: Plan) -> dict[str, float]:
    """Growth of memory in percent from the first fifth of the time to the last, at 80 % load."""
    memory: list[int] = []
    failed = answered = 0
    with serving(root, service) as served:
        capacity = run(timed, served.url, questions("short"), 32, plan.seconds).rate
        until = time.monotonic() + 60 * plan.soak_minutes
        while time.monotonic() < until:
            found = run(opened, served.url, questions("short"), 0.8 * capacity, 5)
            failed, answered = failed + found.failed, answered + len(found.seconds)
            memory.append(served.memory())
    fifth = max(1, len(memory) // 5)
    first, last = (statistics.median(part) for part in (memory[:fifth], memory[-fifth:]))
    return {
        "soak_growth_percent": 100 * (last / first - 1),
        "soak_mib": last / 2**20,
        "soak_answers_per_second": answered / (60 * plan.soak_minutes),
        "soak_answered": answered,
        "soak_failed": failed,
    }
