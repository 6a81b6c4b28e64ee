"""`plait run`: the Prefect flow over DVC's graph, then the results."""

import atexit
import os
import shutil
import sys
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.commands.configure import Keep, Overwrite, switch_or_ask

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State
    from rich.console import Console

    from plait.running.prefect_server import Server

CANCELLED = 130
WIDTH = 100
"""Characters per line without a terminal."""

Experiment = Annotated[str | None, typer.Option(help="Switch to this file of experiments/ first.")]
Force = Annotated[bool, typer.Option("--force", help="Run every stage, changed or not.")]
Candidates = Annotated[
    list[str] | None,
    typer.Option(
        "--candidate",
        metavar="NAME",
        help="Run only the stages of this candidate (again for more) and what they need; promote "
        "nothing.",
    ),
]
StopServer = Annotated[
    bool, typer.Option("--stop-server", help="Stop the Prefect server at the end.")
]


def run(
    experiment: Experiment = None,
    force: Force = False,
    candidate: Candidates = None,
    overwrite: Overwrite = False,
    keep: Keep = False,
    stop_server: StopServer = False,
) -> None:
    """Run all changed stages, promote the winning plans and show the results.

    Starts a local Prefect server if none answers; it keeps running, so that you can open its pages
    afterwards.
    """
    from rich.console import Console

    from plait.running import prefect_server, project

    root, console = project.root(), Console(highlight=False, soft_wrap=True)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH
    if experiment is not None and not switch_or_ask(root, experiment, overwrite, keep):
        experiment = None
    if stop_server:
        # Before Prefect is imported: its own exit handler then runs first and sends what is left.
        atexit.register(prefect_server.stop, root)
    server = prefect_server.ensure(root)
    console.print(f"Prefect shows the run at {server.ui}")
    state = _run(console, experiment, force, candidate or None)
    _finish(root, console, state, None if stop_server else server, bool(candidate))


def _run(
    console: "Console", experiment: str | None, force: bool, candidates: list[str] | None
) -> "State[object]":
    # The terminal shows the run; Prefect's logs are in its pages.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    from plait.running import project, server_watch
    from plait.running.events import listening
    from plait.running.terminal import Terminal

    flow = project.flows("pipeline").pipeline
    watched = server_watch.watching(project.root())
    with watched, Terminal(console) as terminal, listening(terminal):
        state: State[object] = flow(
            experiment=experiment, force=force, candidates=candidates, return_state=True
        )
    if terminal.counts["unchanged"]:
        console.print(f"= {terminal.counts['unchanged']} stages unchanged")
    return state


def _finish(
    root: Path,
    console: "Console",
    state: "State[object]",
    found: "Server | None",
    candidates: bool,
) -> None:
    from plait.running.ready import INCOMPLETE

    served = found if found is not None and found.pid is not None else None
    if candidates and state.is_completed():
        console.print(state.message)
    elif state.is_completed() or state.name == INCOMPLETE:
        _show_results(root, console, state.message if state.is_completed() else None, served)
    elif served is not None:
        console.print(f"Runs      {served.ui} (`plait server stop` ends it)")
    if state.is_cancelled():
        console.print("Cancelled. `plait run` resumes it.")
        sys.exit(CANCELLED)
    if not state.is_completed():
        print(f"error: {state.message}", file=sys.stderr)
        sys.exit(2)


def _show_results(
    root: Path, console: "Console", promotion: str | None, served: "Server | None"
) -> None:
    """Print one screen: the results, where the report is, and the next commands."""
    from plait.files import read_json
    from plait.report.screen import show

    if (root / "report" / "summary.json").is_file():
        show(console, read_json(root / "report" / "summary.json"))
    said = promotion.splitlines() if promotion else []
    lines = list(zip(chain(["Promotion"], repeat("")), said, strict=False))
    for title, name in (("Report", "index.html"), ("As text", "report.md")):
        path = root / "report" / name
        if path.is_file():
            lines.append((title, path.as_uri() if name == "index.html" else str(path)))
    if served is not None:
        lines.append(("Runs", served.ui))
    lines += zip(("Next", "", ""), _next(root, served), strict=False)
    console.print()
    for title, text in lines:
        console.print(f"{title:<10}{text}", markup=False)


def _next(root: Path, served: "Server | None") -> list[str]:
    """The next commands, as they can be typed in this shell."""
    from plait.registry.store import Registry

    services = [name for name in _services(root) if Registry(root).champion(name) is not None]
    commands = [f'plait predict "some text" --service {name}' for name in services[:1]]
    commands.append("dvc metrics show")
    if served is not None:
        commands.append("plait server stop")
    return [f"{_command_prefix(root)}{command}" for command in commands]


def _services(root: Path) -> list[str]:
    from plait.experiment.loading import load

    return list(load(root / "params.yaml").services)


def _command_prefix(root: Path) -> str:
    """The path prefix of this environment's commands; empty if the shell finds them in PATH."""
    folder = Path(sys.executable).parent
    found = shutil.which("plait")
    if found is not None and Path(found).parent == folder:
        return ""
    return f"{folder.relative_to(root) if folder.is_relative_to(root) else folder}{os.sep}"
