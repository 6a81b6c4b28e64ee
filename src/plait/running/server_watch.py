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

from plait.running import prefect_server
from plait.running.events import Event, tell
from plait.running.processes import Processes

SECONDS_BETWEEN = 2.0
REFUSED_SECONDS = 12.0
"""How long nothing may listen there: so long a shared server may take to start again."""
SILENT_SECONDS = 300.0
"""How long a server that accepts connections may take to answer, on a busy machine."""
STATUS = 2


@contextmanager
def watching(folder: Path, processes: Processes) -> Iterator[None]:
    """End this process if the server goes: its stages first, with their checkpoints.

    The process can't unwind: the flow's engine would first ask the server, again and again.
    """
    api, left = os.environ.get("PREFECT_API_URL"), threading.Event()

    def watch() -> None:
        if api and (what := _what_happened(folder, api, left)):
            processes.stop()
            tell(Event("lost"))
            print(f"error: {what}", file=sys.stderr)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(STATUS)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
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
            return (
                f"the Prefect server at {api} ended during the run, so the run's stages were "
                "ended; `plait run` starts the server again and goes on."
            )
        if how and now - since[how] > limits[how]:
            return (
                f"the Prefect server at {api} has not answered for {now - since[how]:.0f} s, so "
                "the run's stages were ended; start that server again (PREFECT_API_URL names it), "
                "then `plait run` goes on."
            )
    return ""


def _how(api: str) -> str:
    """How the server fails to answer; empty if it answers, whatever it says."""
    try:
        httpx.get(f"{api}/health", timeout=10, trust_env=False)
    except httpx.ConnectError:
        return "refused"
    except httpx.HTTPError:
        return "silent"
    return ""
