"""Run the server: bind, answer, and on SIGTERM or SIGINT stop without losing a request."""

import asyncio
import ipaddress
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from plait.errors import PlaitError
from plait.machine import limit_threads
from plait.serving.app import Desk, application
from plait.serving.batching import Batcher
from plait.serving.champions import Champions
from plait.serving.guard import LOCAL, Door, Guard
from plait.serving.limits import Limits
from plait.serving.log import Handler, Log
from plait.serving.metrics import Metrics
from plait.serving.protocol import bound
from plait.serving.service import Service

DRAIN = 0.5
"""Seconds in which clients are asked to close their connections before the sockets close."""
VARIABLE = "PLAIT_TOKEN"
SHORTEST = 16
"""Characters of a token."""
ADVICE = 'Make one: python -c "import secrets; print(secrets.token_urlsafe())"'


@dataclass(frozen=True)
class Settings:
    """How a service is served.

    Attributes:
        token: that requests must bring; None only on loopback.
        hosts: names beside those of loopback that the header Host may give.
        batch_size: texts that run together, at most.
        wait: seconds that a batch may wait for more.
        threads: that a model answers with.
        grace: seconds for what is in flight when the server is told to stop.
        log: file of the log; None for standard error.
        log_texts: whether the log holds the texts of users.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    hosts: frozenset[str] = frozenset()
    batch_size: int = 32
    wait: float = 0.005
    threads: int = 1
    grace: int = 30
    log: Path | None = None
    log_texts: bool = False
    limits: Limits = field(default_factory=Limits)


def find_token(file: Path | None) -> str | None:
    """The token of a file, or of the environment; None where neither has one.

    Raises:
        PlaitError: the file can't be read, or the token is too short or no printable ASCII.
    """
    where = f"--token-file {file}" if file else f"${VARIABLE}"
    try:
        found = file.read_text(encoding="ascii").strip() if file else os.environ.get(VARIABLE)
    except (OSError, UnicodeDecodeError) as error:
        raise PlaitError(f"{where}: the token can't be read ({error}). {ADVICE}") from error
    if found is None:
        return None
    if len(found) < SHORTEST or not (found.isascii() and found.isprintable()) or " " in found:
        raise PlaitError(
            f"{where}: found a token of {len(found)} characters, expected at least {SHORTEST} "
            f"visible ones of ASCII. {ADVICE}"
        )
    return found


def bind(host: str, port: int, token: str | None) -> socket.socket:
    """A socket at an address; beyond loopback only with a token.

    Raises:
        PlaitError: no such address, a port that is taken, or no token.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
    except OSError as error:
        raise PlaitError(
            f"--host {host}: no address of this machine ({error.strerror})."
        ) from error
    if token is None and not ipaddress.ip_address(str(address[0])).is_loopback:
        raise PlaitError(
            f"--host {host}: others reach this address, so requests must bring a token, and there "
            f"is none. Set ${VARIABLE} or --token-file, or leave --host out. {ADVICE}"
        )
    # Only where the protocol is named does asyncio turn Nagle's delay off: 40 ms an answer.
    found = socket.socket(family, kind, protocol)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError as error:
        found.close()
        raise PlaitError(
            f"--host {host} --port {port}: the address can't be used ({error.strerror}). Choose "
            "another port; 0 takes a free one."
        ) from error
    return found


def url(host: str, found: socket.socket) -> str:
    """The address of a bound socket."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{found.getsockname()[1]}"


class Server(uvicorn.Server):
    """uvicorn's, which first lets clients close their connections, and ends with status 0."""

    def __init__(
        self, config: uvicorn.Config, guard: Guard, desk: Desk, listens: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self.guard, self.desk, self.listens = guard, desk, listens

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.desk.stopping = self.guard.draining = True
        self.desk.log.write("stopping")
        await asyncio.sleep(DRAIN)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Without uvicorn's second raise of the signal after the end."""
        names = (signal.SIGINT, signal.SIGTERM)
        before = {each: signal.signal(each, self.handle_exit) for each in names}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def serve(
    service: Service,
    root: Path | None,
    found: socket.socket,
    settings: Settings,
    listens: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        root: the project's folder, whose registry is watched; None where nothing is to be watched.
        found: a bound socket.
        listens: called when connections are taken.
    """
    log, metrics = Log(settings.log), Metrics()
    _listen_to_libraries(log)
    limit_threads(settings.threads)
    batcher = Batcher(
        settings.batch_size, settings.wait, settings.threads, settings.limits, metrics, log
    )
    champions = Champions(service, metrics, log, root, settings.threads)
    desk = Desk(champions, batcher, metrics, log, settings.limits, settings.log_texts)
    loopback = ipaddress.ip_address(found.getsockname()[0]).is_loopback
    hosts = settings.hosts | LOCAL if loopback else settings.hosts or None
    guard = Guard(application(desk), Door(settings.token, hosts), log, metrics)
    try:
        Server(_config(guard, settings, metrics), guard, desk, listens).run([found])
    finally:
        log.write("stopped")
        log.flush()


def _config(guard: Guard, settings: Settings, metrics: Metrics) -> uvicorn.Config:
    return uvicorn.Config(
        guard,
        http=bound(settings.limits, metrics),
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.limits.idle_seconds,
        timeout_graceful_shutdown=settings.grace,
    )


def _listen_to_libraries(log: Log, names: Sequence[str] = ("uvicorn.error", "asyncio")) -> None:
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [Handler(log)], False
