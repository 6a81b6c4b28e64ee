"""The server's log: one JSON object a line, written beside the event loop, without users' texts."""

import asyncio
import json
import logging
import sys
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from plait.errors import PlaitError

EVERY = 0.2
"""Seconds between writes."""
KEPT = 100_000
"""Lines that wait at most; a disk or terminal that takes none costs lines, not answers."""


class Log:
    """Lines go to a file, or to standard error.

    Raises:
        PlaitError: the file can't be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._stream = _opened(path) if path else sys.stderr

    def write(self, event: str, **values: Any) -> None:
        """Note an event; it is written within `EVERY` seconds."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._lines.append(json.dumps({"time": now, "event": event, **values}))

    async def run(self) -> None:
        """Write what was noted, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            if self._lines:
                await asyncio.to_thread(self.flush)

    def flush(self) -> None:
        """Write all that was noted; a log that can't be written stops no answer."""
        lines = []
        while self._lines:
            lines.append(self._lines.popleft())
        try:
            self._stream.write("".join(f"{line}\n" for line in lines))
            self._stream.flush()
        except OSError:
            pass


def _opened(path: Path) -> IO[str]:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise PlaitError(
            f"--log {path}: the file can't be written ({error.strerror}). Name another one."
        ) from error


class Handler(logging.Handler):
    """Takes what the server library reports into the log.

    An exception is shown by its kind and place: its message may hold a text.
    """

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self.log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        said = fault(error) if error else {}
        self.log.write("server", level=record.levelname, message=record.getMessage(), **said)


def fault(error: BaseException) -> Mapping[str, str]:
    """Kind of an exception, and the line of code that raised it."""
    trace, place = error.__traceback__, "unknown"
    while trace:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return {"error": type(error).__name__, "at": place}
