"""`plait schedule`: runs the pipeline on a schedule, or when asked from Prefect's pages."""

from typing import Annotated

import typer

Cron = Annotated[str, typer.Option(help="When to run: minute, hour, day, month, weekday.")]
Timezone = Annotated[str, typer.Option(help="Time zone of --cron, such as Europe/Berlin.")]


def schedule(cron: Cron = "0 2 * * *", timezone: Timezone = "UTC") -> None:
    """Serve the pipeline until stopped: on its schedule, and whenever Prefect is asked to run it.

    The same as `python flows/deployments.py`.
    """
    from plait.running import prefect_server, project

    found = prefect_server.ensure(project.root())
    project.flows("deployments").serve(cron, timezone, found)
