"""The pipeline as a Prefect deployment: on a schedule, by button or `prefect deployment run`."""

import hashlib
import socket
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from pydantic import ValidationError

from plait.errors import PlaitError, did_you_mean
from plait.running import lost_runs, notifications, project
from plait.running.data_runs import DataRuns
from plait.running.missed import Overlap
from plait.running.scheduling import Serving
from plait.running.scheduling import serve as serve_until_signal

if TYPE_CHECKING:
    from plait.running.prefect_server import Server

NAME = "nightly"


def serve(
    cron: str,
    timezone: str,
    server: "Server",
    in_place: bool = False,
    overlap: Overlap = "wait",
    on_data: bool = False,
) -> None:
    """Serve the pipeline until this process is stopped, which pauses the schedule.

    Args:
        in_place: runs work in the project's folder, not in a worktree of their own.
        overlap: what becomes of a run that is due while another goes on.
        on_data: also start a run when the data change.

    Raises:
        PlaitError: `cron`, `timezone` or the webhook's address is not valid.
    """
    from prefect.schedules import Cron

    from pipeline import pipeline

    check(cron, timezone)
    lost_runs.watch()
    root, digest = project.root(), _digest(project.root())
    notifications.notify(digest, notifications.address())
    name = NAME if server.pid else f"{NAME}-{digest}"
    when = f"'{cron}' ({timezone})" + (" and on new data" if on_data else "")
    greeting = (
        f"Serving plait/{name} on {when}; Ctrl-C ends it.\n"
        f"Run it now: the button at {server.ui}/deployments, or\n"
        f"  PREFECT_API_URL={server.api} prefect deployment run plait/{name}"
    )
    say = partial(print, flush=True)
    serving = Serving(
        flow=pipeline,
        name=name,
        parameters={"apart": not in_place},
        schedule=Cron(cron, timezone=timezone),
        overlap=overlap,
        folder=root,
        server=server,
        say=say,
        data_runs=DataRuns(name, root, not in_place, overlap, say) if on_data else None,
    )
    serve_until_signal(serving, greeting)


def _digest(folder: Path) -> str:
    """Distinguishes this project from others that share a server."""
    return hashlib.sha256(f"{socket.gethostname()}:{folder}".encode()).hexdigest()[:6]


def check(cron: str, timezone: str) -> None:
    """Check a schedule.

    Raises:
        PlaitError: Prefect would refuse `cron` or `timezone`.
    """
    from prefect.client.schemas.schedules import CronSchedule

    try:
        CronSchedule(cron=cron, timezone=timezone)
    except ValidationError as error:
        wrong = {str(detail["loc"][0]) for detail in error.errors()}
        if "cron" in wrong:
            raise PlaitError(
                f"--cron: found {cron!r}, expected five fields such as '0 2 * * *' (every day "
                "at 02:00)."
            ) from error
        close = did_you_mean(timezone, sorted(available_timezones()))
        hint = close if close.startswith("; did you mean") else ""
        raise PlaitError(
            f"--timezone: found {timezone!r}, expected a name such as Europe/Berlin{hint}"
        ) from error


if __name__ == "__main__":
    import typer

    from plait.commands.schedule import schedule

    typer.run(schedule)
