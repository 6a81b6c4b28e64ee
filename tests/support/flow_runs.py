"""Runs of `plait run` as a user starts them, and how a Prefect server shows them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from plait.running import prefect_server
from servers import wait_for

PLAIT = [sys.executable, "-m", "plait.cli"]


def free_api() -> str:
    """The address of a server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/api"


def environment(api: str | None = None) -> dict[str, str]:
    """The environment of a user who has set nothing of Prefect's but, perhaps, its address."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**own, "PREFECT_API_URL": api} if api else own


def run(folder: Path, env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of plait to its end."""
    command = [*PLAIT, *(arguments or ("run",))]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300
    )


@contextmanager
def begun(folder: Path, env: dict[str, str], *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A command of plait that goes on; it is killed with the block, if it still runs."""
    process = subprocess.Popen(
        [*PLAIT, *(arguments or ("run",))],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def kill_family(pid: int, *spare: int) -> None:
    """Kill a process and all its descendants at once, but those to `spare`."""
    leader = psutil.Process(pid)
    for process in [leader, *leader.children(recursive=True)]:
        if process.pid not in spare:
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)


@contextmanager
def server(folder: Path, api: str) -> Iterator[SyncPrefectClient]:
    """A server of plait's at this address, and a client of it."""
    started = run(folder, environment(api), "server", "start")
    assert started.returncode == 0, started.stderr
    try:
        with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
            yield client
    finally:
        prefect_server.stop(folder)


def newest(client: SyncPrefectClient) -> FlowRun:
    runs = [run for run in client.read_flow_runs(limit=100) if not run.auto_scheduled]
    return max(runs, key=lambda each: each.created or each.expected_start_time)


def wait_for_state(client: SyncPrefectClient, run: FlowRun, name: str, seconds: float) -> float:
    """Seconds until a run has a state of this name."""
    return wait_for(lambda: client.read_flow_run(run.id).state_name == name, seconds)


class Scheduled:
    """`plait schedule` in the background."""

    def __init__(
        self, folder: Path, api: str, in_place: bool = True, more: Sequence[str] = ()
    ) -> None:
        self.log = folder / ".plait" / "schedule.log"
        self.pid = 0
        self._env, self._folder = environment(api), folder
        self._how = [*(["--in-place"] if in_place else []), *more]

    @contextmanager
    def serving(self) -> Iterator["Scheduled"]:
        with self.log.open("w") as stream:
            self.process = subprocess.Popen(
                [*PLAIT, "schedule", *self._how],
                cwd=self._folder,
                env=self._env,
                stdout=stream,
                stderr=stream,
            )
        try:
            wait_for(lambda: "Serving plait/nightly" in self.said(), 90)
            yield self
        finally:
            if self.process.poll() is None:
                kill_family(self.process.pid)
            self.process.wait()

    def said(self) -> str:
        return self.log.read_text()

    def end(self, number: signal.Signals) -> float:
        """Send a signal; the seconds until the process ended."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=60)
        return time.monotonic() - began
