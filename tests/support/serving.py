"""`plait serve` in a process of its own, on a free port."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from plait.registry.store import Registry

TEXT = "turn on the reading light in the living room"
SLOW = """
import sys, time
from plait.serving.service import Service
from plait.cli import main
quick = Service.answer
def slow(self, texts, batch_size=32):
    time.sleep({seconds})
    return quick(self, texts, batch_size)
Service.answer = slow
main()
"""
"""A model that takes its time, as large ones do."""


@dataclass
class Running:
    """A server and its log."""

    process: subprocess.Popen[str]
    url: str
    log_file: Path

    @property
    def address(self) -> tuple[str, int]:
        place = urlsplit(self.url)
        return str(place.hostname), int(place.port or 0)

    def ask(self, body: Any, **headers: str) -> httpx.Response:
        """Ask for answers."""
        return httpx.post(f"{self.url}/v1/predict", json=body, headers=headers, timeout=30)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=headers, timeout=30)

    def metric(self, name: str) -> float:
        """The value of a metric, with its labels as Prometheus writes them."""
        (line,) = [x for x in self.get("/metrics").text.splitlines() if x.startswith(f"{name} ")]
        return float(line.rpartition(" ")[2])

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]

    def connect(self) -> socket.socket:
        """A connection that says nothing of itself."""
        return socket.create_connection(self.address, timeout=20)

    def stop(self) -> int:
        """Ask it to stop, and wait; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


@contextmanager
def serving(root: Path, *options: str, slow: float = 0.0, token: str = "") -> Iterator[Running]:
    """A server of the project in `root`; it must not end by itself.

    Args:
        slow: seconds that each batch takes longer.
    """
    program = ["-c", SLOW.format(seconds=slow)] if slow else ["-m", "plait.cli"]
    log = root / f"log-{os.getpid()}-{len(list(root.glob('log-*')))}.jsonl"
    environment = {**os.environ, **({"PLAIT_TOKEN": token} if token else {})}
    process = subprocess.Popen(
        [sys.executable, *program, "serve", "--port", "0", "--log", str(log), *options],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        said = process.stdout.readline()
        found = re.search(r"http://\S+", said)
        assert found, said
        yield Running(process, found[0], log)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def point(root: Path, number: int) -> None:
    """Make a record the champion, as promotion and rollback do."""
    registry = Registry(root)
    registry.point(registry.record("assistant", number))
