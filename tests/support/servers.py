"""Small web servers on loopback that stand where upstream would, and waiting for a server."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Shelf:
    """Files by path.

    `cut` ends a response early, after that many bytes, once; `stall` waits there until it is None.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.cut: int | None = None
        self.stall: int | None = None
        self.url = ""
        self.ranges: list[str | None] = []
        self.asked: list[str] = []
        self.headers: Callable[[str], dict[str, str]] = lambda _: {}

    def answer(self, handler: BaseHTTPRequestHandler, body: bool) -> None:
        path = handler.path.split("?")[0]
        self.asked.append(path)
        content = self.files.get(path)
        if content is None:
            handler.send_error(404)
            return
        wanted = handler.headers.get("Range")
        if body:
            self.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        if start >= len(content) > 0:
            handler.send_error(416)
            return
        handler.send_response(206 if wanted else 200)
        handler.send_header("Content-Length", str(len(content) - start))
        for name, value in self.headers(path).items():
            handler.send_header(name, value)
        handler.end_headers()
        if body:
            self._send(handler, content[start:])

    def _send(self, handler: BaseHTTPRequestHandler, content: bytes) -> None:
        cut, self.cut = self.cut, None
        stall = self.stall or 0
        with suppress(ConnectionError):
            handler.wfile.write(content[:stall])
            while self.stall is not None:
                time.sleep(0.02)
            handler.wfile.write(content[stall:cut])


@contextmanager
def serve(shelf: Shelf) -> Iterator[Shelf]:
    """The shelf under a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shelf.answer(self, body=True)

        def do_HEAD(self) -> None:
            shelf.answer(self, body=False)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    shelf.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield shelf
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wait_for(is_so: Callable[[], bool], seconds: float) -> float:
    """Seconds until `is_so`."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, f"not so after {seconds} s"
        time.sleep(0.2)
    return time.monotonic() - began
