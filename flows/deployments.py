"""The pipeline as a Prefect deployment: on a schedule, by button or `prefect deployment run`."""

from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from pydantic import ValidationError

from plait.errors import PlaitError, did_you_mean
from plait.running import lost_runs

if TYPE_CHECKING:
    from plait.running.prefect_server import Server

NAME = "nightly"


def serve(cron: str, timezone: str, server: "Server") -> None:
    """Serve the pipeline until this process is stopped, which pauses the schedule.

    Raises:
        PlaitError: `cron` or `timezone` is not valid.
    """
    from prefect.schedules import Cron

    from pipeline import pipeline

    check(cron, timezone)
    lost_runs.watch()
    print(f"Serving plait/{NAME} on '{cron}' ({timezone}); Ctrl-C ends it.")
    print(f"Run it now: the button at {server.ui}/deployments, or")
    print(f"  PREFECT_API_URL={server.api} prefect deployment run plait/{NAME}", flush=True)
    pipeline.serve(
        name=NAME,
        schedule=Cron(cron, timezone=timezone),
        limit=1,
        print_starting_message=False,
    )


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
