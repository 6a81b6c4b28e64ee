"""What one client may ask of the server, so that none keeps it from the others."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of requests and connections.

    Attributes:
        body_bytes: of a request's body, with or without a content-length.
        texts: of one request.
        characters: of one text.
        queue: texts that may wait to be answered; a request beyond them is told to come later.
        seconds: from the last byte of a request to its answer.
        header_bytes: of a request's line and headers.
        header_seconds: from the opening of a connection, or the first byte of a further request,
            until all headers are here.
        body_seconds: from the headers until all of the body is here.
        idle_seconds: that an unused connection stays open.
        connections: that are open at once.
    """

    body_bytes: int = 1_000_000
    texts: int = 256
    characters: int = 20_000
    queue: int = 1024
    seconds: float = 30.0
    header_bytes: int = 16_384
    header_seconds: float = 10.0
    body_seconds: float = 10.0
    idle_seconds: int = 60
    connections: int = 1000
