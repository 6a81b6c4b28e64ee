"""`plait schedule`: run the pipeline on a schedule and on request."""

from typing import Annotated, Literal

import typer

Cron = Annotated[str, typer.Option(help="When to run: minute, hour, day, month, weekday.")]
Timezone = Annotated[str, typer.Option(help="Time zone of --cron, such as Europe/Berlin.")]


InPlace = Annotated[
    bool, typer.Option("--in-place", help="Work in this folder, not in a git worktree.")
]


OverlapOption = Annotated[
    Literal["wait", "skip"],
    typer.Option(help="What becomes of a run that is due while another one goes on."),
]


OnData = Annotated[
    bool,
    typer.Option(
        "--on-data",
        help="Also start a run when the data change: by a commit, or --in-place by a file.",
    ),
]


def schedule(
    cron: Cron = "0 2 * * *",
    timezone: Timezone = "UTC",
    in_place: InPlace = False,
    overlap: OverlapOption = "wait",
    on_data: OnData = False,
) -> None:
    """Run the pipeline on a schedule, and on request from Prefect, until this command is stopped.

    Each run works in a git worktree of its own (`.plait/apart`), on the last commit, so that it
    never touches this folder; what it changes comes back as a branch `plait/runs/…`. The cache of
    DVC and the registry are shared. `git merge BRANCH && dvc checkout` brings its outputs here.

    Of runs that were missed while nothing served them one is caught up, the latest; the others are
    shown as *Skipped*.

    PLAIT_WEBHOOK in the environment is an address that is told of runs that fail or crash, and of
    promotions (`docs/operation.md`).

    With `--on-data` a run also starts, tagged `data-arrival`, as soon as the data have changed and
    stay the same for ten seconds. Without it runs start by the calendar and on request alone.

    Same as `python flows/deployments.py`.
    """
    from plait.running import prefect_server, project

    server = prefect_server.ensure(project.root())
    project.flows("deployments").serve(cron, timezone, server, in_place, overlap, on_data)
