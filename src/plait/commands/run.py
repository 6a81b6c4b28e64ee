"""`plait run`: the Prefect flow over DVC's graph, then the results."""

import atexit
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.commands.configure import Keep, Overwrite, switch_or_ask

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State
    from rich.console import Console

    from plait.server import Server

CANCELLED = 130

Experiment = Annotated[
    str | None, typer.Option(help="A file of experiments/ to put in place of params.yaml first.")
]
Force = Annotated[bool, typer.Option("--force", help="Run every stage, changed or not.")]
StopServer = Annotated[
    bool, typer.Option("--stop-server", help="Stop the Prefect server at the end.")
]


def run(
    experiment: Experiment = None,
    force: Force = False,
    overwrite: Overwrite = False,
    keep: Keep = False,
    stop_server: StopServer = False,
) -> None:
    """Run what changed, from raw data to the promoted plans, and show the results.

    Starts a local Prefect server when none answers; it keeps running, so that its pages can be
    opened afterwards.
    """
    from rich.console import Console

    from plait import project, server

    root, console = project.root(), Console(highlight=False, soft_wrap=True)
    if experiment is not None and not switch_or_ask(root, experiment, overwrite, keep):
        experiment = None
    if stop_server:
        # Before Prefect is imported, whose own handler at exit then runs first and sends the rest.
        atexit.register(server.stop, root)
    found = server.ensure(root)
    console.print(f"Prefect shows the run at {found.ui}")
    state = _run(console, experiment, force)
    _finish(root, console, state, None if stop_server else found)


def _run(console: "Console", experiment: str | None, force: bool) -> "State[object]":
    # The terminal shows the run; what Prefect logs stands in its pages.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    from plait import project
    from plait.events import listening
    from plait.terminal import Terminal

    flow = project.flows("pipeline").pipeline
    with Terminal(console) as terminal, listening(terminal):
        state: State[object] = flow(experiment=experiment, force=force, return_state=True)
    if terminal.counts["unchanged"]:
        console.print(f"= {terminal.counts['unchanged']} stages unchanged")
    return state


def _finish(root: Path, console: "Console", state: "State[object]", found: "Server | None") -> None:
    if state.is_completed():
        _show_results(root, console, state.message or "")
    if found is not None and found.pid is not None:
        console.print(f"Runs     {found.ui} (`plait server stop` ends it)")
    if state.is_cancelled():
        console.print("Cancelled. `plait run` goes on where it stopped.")
        sys.exit(CANCELLED)
    if not state.is_completed():
        print(f"error: {state.message}", file=sys.stderr)
        sys.exit(2)


def _show_results(root: Path, console: "Console", promotion: str) -> None:
    from rich.markdown import Markdown

    report = root / "report" / "report.md"
    if report.is_file():
        console.print(Markdown(report.read_text(encoding="utf-8")))
    page = root / "report" / "index.html"
    console.print(f"\nServices {promotion}")
    console.print(f"Report   {page}  (open it in a browser: {page.as_uri()})")
