"""Read the body of a request within limits of type, bytes and time."""

import asyncio

from fastapi import Request
from starlette.types import Receive

from plait.serving.failures import Refusal
from plait.serving.limits import Limits

SWALLOWED = 16
"""How many times the limit is still read of a body that is too large: a client that is writing
reads no answer."""


async def read_body(request: Request, limits: Limits) -> bytes:
    """The bytes of a JSON body.

    Raises:
        Refusal: another type (415), too many bytes (413), too slow (408).
    """
    _check_type(request)
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limits.body_bytes and "expect" in request.headers:
        raise _large(limits)
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await _read(request.receive, limits)
    except TimeoutError as error:
        raise Refusal(
            408,
            "slow_body",
            f"The body was not complete within {limits.body_seconds:g} s.",
            "Send the request in one go.",
            {"Connection": "close"},
        ) from error


def _check_type(request: Request) -> None:
    """JSON alone: pages of other sites can't send it here without being asked for permission."""
    kind, _, rest = request.headers.get("content-type", "").lower().partition(";")
    charset = rest.strip().removeprefix("charset=").strip('"')
    coded = request.headers.get("content-encoding", "identity")
    if kind.strip() != "application/json" or charset not in ("", "utf-8") or coded != "identity":
        raise Refusal(
            415,
            "no_json_type",
            "The headers say that the body is something else than JSON in UTF-8.",
            "Send `Content-Type: application/json`, and no Content-Encoding.",
            {"Connection": "close"},
        )


async def _read(receive: Receive, limits: Limits) -> bytes:
    parts: list[bytes] = []
    total, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "disconnected", "The client left.", "Send the request again.")
        part, more = message.get("body", b""), message.get("more_body", False)
        total += len(part)
        if total <= limits.body_bytes:
            parts.append(part)
        elif total > SWALLOWED * limits.body_bytes:
            break
    if total > limits.body_bytes:
        raise _large(limits)
    return b"".join(parts)


def _large(limits: Limits) -> Refusal:
    return Refusal(
        413,
        "body_too_large",
        f"Found a body of more than {limits.body_bytes} bytes.",
        "Send fewer or shorter texts in one request.",
        {"Connection": "close"},
    )
