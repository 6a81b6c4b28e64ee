"""What stands before every request: its name, Host, token, errors in one form, log and counts."""

import asyncio
import hmac
import re
import secrets
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plait.serving.failures import Refusal, failed, stopping
from plait.serving.log import Log, fault
from plait.serving.metrics import Metrics

PREDICT = "/v1/predict"
OPEN = frozenset({"/", "/health/live", "/health/ready"})
"""Paths that need no token: they show nothing of the service, its texts or its answers."""
KNOWN = OPEN | {PREDICT, "/v1/service", "/metrics", "/openapi.json"}
"""Other paths are not shown in log and metrics: they may hold anything, and have no end."""
LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


@dataclass
class Asked:
    """What the log says of a request; `texts` only where its owner wants them logged."""

    id: str
    began: float
    status: int = 0
    kind: str = ""
    seen: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Door:
    """Who may come in.

    Attributes:
        token: that every request but those of `OPEN` must bring; None: none.
        hosts: names that the header Host may give; None: any. A page of a foreign site, whose name
            was made to lead to this machine, gives that name (DNS rebinding).
    """

    token: str | None = None
    hosts: frozenset[str] | None = LOCAL

    def check(self, path: str, headers: Mapping[bytes, bytes]) -> None:
        """Raise `Refusal` for a foreign Host (421) or a missing or wrong token (401)."""
        host = re.sub(r":\d*$", "", headers.get(b"host", b"").decode("latin-1")).lower()
        if self.hosts is not None and host not in self.hosts:
            raise Refusal(
                421,
                "foreign_host",
                f"The header Host names {host[:80]!r}, expected {' or '.join(sorted(self.hosts))}.",
                "Use one of these names, or start the server with `--allow-host NAME`.",
            )
        if self.token is not None and path not in OPEN and not self._proven(headers):
            raise Refusal(
                401,
                "no_token",
                "The header Authorization brings no valid token.",
                "Send `Authorization: Bearer TOKEN` with the token that the server was given.",
                {"WWW-Authenticate": "Bearer"},
            )

    def _proven(self, headers: Mapping[bytes, bytes]) -> bool:
        kind, _, given = headers.get(b"authorization", b"").partition(b" ")
        expected = (self.token or "").encode()
        return hmac.compare_digest(given.strip(), expected) and kind.lower() == b"bearer"


class Guard:
    """The outermost application; the one inside may raise `Refusal`.

    `draining` asks clients to close their connections: the server is about to stop.
    """

    def __init__(self, app: ASGIApp, door: Door, log: Log, metrics: Metrics) -> None:
        self.app, self.door, self.log, self.metrics = app, door, log, metrics
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        asked = Asked(_name(headers.get(b"x-request-id", b"")), time.perf_counter())
        scope.setdefault("state", {})["asked"] = asked
        sending = self._marked(asked, send)
        try:
            self.door.check(scope["path"], headers)
            await self.app(scope, receive, sending)
        except Refusal as refusal:
            await respond(refusal, asked, sending)
        except asyncio.CancelledError:
            await respond(stopping(), asked, sending)
        except Exception as error:
            self.log.write("failed", id=asked.id, **fault(error))
            if not asked.status:
                await respond(failed(), asked, sending)
        finally:
            self._note(scope, asked)

    def _marked(self, asked: Asked, send: Send) -> Send:
        """`send`, with the headers of every response."""
        name = asked.id.encode()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                asked.status = message["status"]
                more = [(b"x-request-id", name), *HEADERS]
                more += [(b"connection", b"close")] if self.draining else []
                message["headers"] = [*message.get("headers", ()), *more]
            await send(message)

        return sending

    def _note(self, scope: MutableMapping[str, Any], asked: Asked) -> None:
        path = scope["path"] if scope["path"] in KNOWN else "other"
        seconds = time.perf_counter() - asked.began
        self.metrics.requests.labels(path, asked.status).inc()
        if path == PREDICT:
            self.metrics.latency.observe(seconds)
        if asked.kind:
            self.metrics.errors.labels(asked.kind).inc()
            asked.seen["error"] = asked.kind
        self.log.write(
            "request",
            id=asked.id,
            method=scope["method"],
            path=path,
            status=asked.status,
            ms=round(1000 * seconds, 2),
            **asked.seen,
        )


async def respond(refusal: Refusal, asked: Asked, send: Send) -> None:
    """Send an error in the one form."""
    asked.kind = refusal.kind
    body = refusal.body(asked.id)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    headers += [(k.lower().encode(), v.encode()) for k, v in refusal.headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _name(given: bytes) -> str:
    """The client's name for a request, if it is a sane one; else a new one."""
    return given.decode() if SAFE_ID.fullmatch(given) else secrets.token_hex(8)
