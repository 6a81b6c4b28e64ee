"""Serve a flow on a schedule until a signal, through whatever becomes of its server meanwhile."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import psutil

from plait.errors import PlaitError
from plait.running import deployment_runs, prefect_server
from plait.running.data_runs import DataRuns
from plait.running.missed import SKIPPED, Due, Overlap, superfluous, why
from plait.running.prefect_server import Server

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.runner import Runner
    from prefect.schedules import Schedule

STOP_SECONDS = 8.0
"""How long a run may take to be cancelled; its stages end within half of that."""
SECONDS_BETWEEN = 3.0


@dataclass(frozen=True)
class Serving:
    """What is served, from where, on which server, and how to tell of it.

    `data_runs` starts runs when the data change, if that is wanted.
    """

    flow: "Flow[..., Any]"
    name: str
    parameters: Mapping[str, Any]
    schedule: "Schedule"
    overlap: Overlap
    folder: Path
    server: Server
    say: Callable[[str], None]
    data_runs: DataRuns | None = None


def serve(serving: Serving, greeting: str) -> None:
    """Serve a flow, one run at a time, until SIGTERM or SIGINT; then end this process.

    A signal pauses the schedule and cancels the run in progress. A server that plait started is
    started again if it ends.

    Args:
        greeting: is said as soon as runs can be started.
    """
    asyncio.run(_until_signal(serving, greeting))
    sys.stdout.flush()
    os._exit(0)  # Prefect's threads would go on asking a server that may have ended


async def _until_signal(serving: Serving, greeting: str) -> None:
    from prefect.runner import Runner

    stopped = _heard()
    runner = Runner(name=serving.name, limit=1, pause_on_shutdown=False)
    deployment = await runner.aadd_flow(
        serving.flow,
        name=serving.name,
        schedule=serving.schedule,
        parameters=dict(serving.parameters),
    )
    await _leave_out(deployment, serving)  # before the runner sees what was missed
    served = asyncio.create_task(_served(runner, serving.say))
    await asyncio.sleep(0)  # the runner sets its own handler, which can't end a run in order
    _heard(stopped)
    works = [_keep_server(serving), _keep_calendar(deployment, serving)]
    works += [serving.data_runs.keep_up(deployment)] if serving.data_runs else []
    kept = [asyncio.create_task(work) for work in works]
    serving.say(greeting)
    await stopped.wait()
    for task in kept:
        task.cancel()
    serving.say("Stopping: the schedule is paused, a run in progress is cancelled.")
    with suppress(TimeoutError):
        await asyncio.wait_for(_stop(runner, deployment, served), STOP_SECONDS)
    _kill_rest(serving.folder)


def _heard(stopped: asyncio.Event | None = None) -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stopped = stopped or asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


async def _served(runner: "Runner", say: Callable[[str], None]) -> None:
    """Run the runner again whenever it gives up, which it does when its server is long away."""
    while True:
        try:
            await runner.start()
        except Exception as error:
            say(f"Prefect's runner ended ({type(error).__name__}): starting it again")
            await asyncio.sleep(SECONDS_BETWEEN)
        else:
            return


async def _stop(runner: "Runner", deployment: UUID, served: "asyncio.Task[None]") -> None:
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        with suppress(Exception):  # the server may have ended: then nothing is scheduled either
            await client.pause_deployment(deployment)
    with suppress(Exception):
        await runner.astop()
    await served


def _kill_rest(folder: Path) -> None:
    """Kill what is left of a run, but not the server, if it was started here."""
    server = prefect_server.recorded(folder).pid
    for child in psutil.Process().children():
        for process in [child, *child.children(recursive=True)] if child.pid != server else []:
            with suppress(psutil.Error):
                process.kill()


async def _keep_server(serving: Serving) -> None:
    """Start the server again, at the same address, if plait started it and it ends."""
    folder, api = serving.folder, serving.server.api
    while serving.server.pid is not None:
        await asyncio.sleep(SECONDS_BETWEEN)
        if prefect_server.is_ours(folder, api):
            continue
        serving.say(f"The Prefect server at {api} ended: starting it again")
        try:
            port = urlsplit(api).port or prefect_server.PORT
            await asyncio.to_thread(prefect_server.start, folder, port)
        except PlaitError as error:
            serving.say(f"error: {error}")


async def _keep_calendar(deployment: UUID, serving: Serving) -> None:
    """Leave out planned runs that were missed or would only queue up, time and again."""
    while True:
        await asyncio.sleep(SECONDS_BETWEEN)
        with suppress(Exception):  # the server may have ended: it is started again
            await _leave_out(deployment, serving)


async def _leave_out(deployment: UUID, serving: Serving) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import State, StateType

    async with get_client() as client:
        due, running = await _calendar(client, deployment)
        for each in superfluous(due, running, serving.overlap):
            said = why(each, running, serving.overlap)
            state = State[Any](type=StateType.CANCELLED, name=SKIPPED, message=said)
            await client.set_flow_run_state(each.id, state, force=True)
            serving.say(said)


async def _calendar(client: Any, deployment: UUID) -> tuple[list[Due], bool]:
    """The planned runs that are due and have not begun, and whether a run goes on."""
    runs = await deployment_runs.unfinished(client, deployment)
    scheduled = [run for run in runs if run.state is not None and run.state.is_scheduled()]
    due = [
        Due(run.expected_start_time, run.id)
        for run in scheduled
        if run.auto_scheduled and run.expected_start_time is not None
    ]
    return due, len(scheduled) < len(runs)
