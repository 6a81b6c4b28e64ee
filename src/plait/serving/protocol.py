"""HTTP of uvicorn and httptools, with the limits that both leave to a proxy.

A connection must bring a request's headers, and then its body, within a time; headers are limited
in bytes, connections in number. Refusals have the server's JSON form.
"""

import asyncio
import secrets
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from plait.serving.failures import Refusal
from plait.serving.limits import Limits
from plait.serving.metrics import Metrics


class Limited(HttpToolsProtocol):
    """A connection; `bound` makes the class for a server."""

    limits: ClassVar[Limits]
    metrics: ClassVar[Metrics]
    _timer: asyncio.TimerHandle | None = None
    _head = 0
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.metrics.connections.set(len(self.connections))
        if len(self.connections) > self.limits.connections:
            self._refuse(_full(self.limits.connections))
        else:
            self._arm(self.limits.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)
        self.metrics.connections.set(len(self.connections))

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head += len(data)
            if self._timer is None:
                self._arm(self.limits.header_seconds)
        super().data_received(data)
        if self._in_head and self._head > self.limits.header_bytes:
            self._refuse(_long(self.limits.header_bytes))

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
        # The application counts its own time for the body, and answers; this is for bodies that no
        # application reads.
        self._arm(self.limits.body_seconds + 1)

    def on_message_complete(self) -> None:
        self._disarm()
        self._in_head, self._head = True, 0
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; one whose client doesn't take its answer is cut."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        self._refuse(
            Refusal(400, "no_http", msg, "Send HTTP/1.1, as `curl` and every HTTP library do.")
        )

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._timer = self.loop.call_later(seconds, self._late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self.flow.read_paused:  # it is the server that doesn't read
            self._arm(self.limits.body_seconds)
        elif self._in_head and (self.cycle is None or self.cycle.response_complete):
            self._refuse(_slow(self.limits.header_seconds))
        else:
            self.transport.close()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer without the application, and close."""
        self._disarm()
        self.metrics.errors.labels(refusal.kind).inc()
        self.metrics.requests.labels("other", refusal.status).inc()
        body = refusal.body(secrets.token_hex(8))
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(STATUS_LINE[refusal.status] + head % len(body) + body)
        self.transport.close()


def bound(limits: Limits, metrics: Metrics) -> type[asyncio.Protocol]:
    """The class of a server's connections."""
    attributes: dict[str, Any] = {"limits": limits, "metrics": metrics}
    return type("Bound", (Limited,), attributes)


def _full(most: int) -> Refusal:
    message = f"{most} connections are open, as many as this server takes."
    remedy = "Connect again later, and use one connection for several requests."
    return Refusal(503, "too_many_connections", message, remedy)


def _long(most: int) -> Refusal:
    message = f"Found a request line and headers of more than {most} bytes."
    return Refusal(431, "headers_too_long", message, "Send shorter headers; texts go in the body.")


def _slow(seconds: float) -> Refusal:
    message = f"The headers were not complete within {seconds:g} s."
    return Refusal(408, "slow_headers", message, "Send the request in one go.")
