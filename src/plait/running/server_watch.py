"""End a run in order when its Prefect server has ended: no task can start or report without one.

Prefect's client would try again for more than a minute, and then fail every task with a traceback.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from plait.errors import PlaitError
from plait.running import prefect_server
from plait.running.events import Event, tell
from plait.running.processes import GRACE, Processes

SECONDS_BETWEEN = 2.0
REFUSED_SECONDS = 12.0
"""How long nothing may listen there: so long a shared server may take to start again."""
SILENT_SECONDS = 300.0
"""How long a server that accepts connections may take to answer, on a busy machine."""
STATUS = 2


@contextmanager
def watching(folder: Path, processes: Processes | None = None) -> Iterator[None]:
    """End this process if the server goes: its stages first, with their checkpoints.

    The process can't unwind: the flow's engine would first ask the server, again and again.

    Args:
        processes: of the run; None outside of the flow, where whoever watches within comes first.
    """
    api, left = os.environ.get("PREFECT_API_URL"), threading.Event()

    def watch() -> None:
        if not api or not (what := _what_happened(folder, api, left)):
            return
        if processes is not None:
            processes.stop()
        elif left.wait(2 * GRACE):
            return
        tell(Event("lost"))
        print(f"error: {what}", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(STATUS)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    except Exception as error:
        if api and processes is None and _how(api) == "refused":
            raise PlaitError(_gone(folder, api)) from error
        raise
    finally:
        left.set()


def _what_happened(folder: Path, api: str, left: threading.Event) -> str:
    """What became of the server; empty if the run ended before."""
    ours = prefect_server.is_ours(folder, api)
    limits = {"refused": REFUSED_SECONDS, "silent": SILENT_SECONDS}
    since = {how: time.monotonic() for how in limits}
    while not left.wait(SECONDS_BETWEEN):
        how, now = _how(api), time.monotonic()
        since = {each: since[each] if each == how else now for each in limits}
        if ours and how == "refused" and not prefect_server.is_ours(folder, api):
            return _gone(folder, api)
        if how and now - since[how] > limits[how]:
            return (
                f"the Prefect server at {api} has not answered for {now - since[how]:.0f} s, so "
                "the run's stages were ended; start that server again (PREFECT_API_URL names it), "
                "then `plait run` goes on."
            )
    return ""


def _gone(folder: Path, api: str) -> str:
    ours = prefect_server.recorded(folder).api == api
    then = (
        "`plait run` starts the server again and goes on"
        if ours
        else ("start that server again (PREFECT_API_URL names it), then `plait run` goes on")
    )
    return (
        f"the Prefect server at {api} ended during the run, so the run's stages were ended; {then}."
    )


def _how(api: str) -> str:
    """How the server fails to answer; empty if it answers, whatever it says."""
    try:
        httpx.get(f"{api}/health", timeout=10, trust_env=False)
    except httpx.ConnectError:
        return "refused"
    except httpx.HTTPError:
        return "silent"
    return ""
