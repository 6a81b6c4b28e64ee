"""`plait schedule`: run the pipeline on a schedule and on request."""

from typing import Annotated

import typer

Cron = Annotated[str, typer.Option(help="When to run: minute, hour, day, month, weekday.")]
Timezone = Annotated[str, typer.Option(help="Time zone of --cron, such as Europe/Berlin.")]


def schedule(cron: Cron = "0 2 * * *", timezone: Timezone = "UTC") -> None:
    """Run the pipeline on a schedule, and on request from Prefect, until this command is stopped.

    Same as `python flows/deployments.py`.
    """
    from plait.running import prefect_server, project

    server = prefect_server.ensure(project.root())
    project.flows("deployments").serve(cron, timezone, server)
