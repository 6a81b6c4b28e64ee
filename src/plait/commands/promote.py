"""`plait promote`: the last step of `plait run`, by hand."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from plait.errors import PlaitError
from plait.registry.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from plait.plans.promotion import Decision

UNCUT = 1000
"""Characters per line that no table needs."""
Services = Annotated[list[str] | None, typer.Argument(help="Services; default: all of them.")]
To = Annotated[Stage, typer.Option(help="The stage whose champion is replaced.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")]
Replace = Annotated[
    str,
    typer.Option(
        metavar="WHY",
        help="Your consent where the rule alone doesn't let a plan win (measured on other rows, "
        "judged by another experiment, rolled back from), and why; the record keeps it.",
    ),
]
RequireApproval = Annotated[
    bool,
    typer.Option(
        "--require-approval",
        help="Ask a person on the Prefect page first, and wait for the answer.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object per service.")]


def promote(
    services: Services = None,
    to: To = "production",
    dry_run: DryRun = False,
    replace: Replace = "",
    require_approval: RequireApproval = False,
    as_json: AsJson = False,
) -> None:
    """Compare the winning plan of each service with its champion; promote or refuse it.

    Uses the outputs of the last run; trains and measures nothing. A refusal is not an error: the
    champion stays, and a record has the reason (`plait registry history SERVICE`). `plait rollback`
    undoes a promotion. A service that is held (`plait registry hold`) stays as it is.

    With `--to staging` production stays; `plait predict --stage staging` asks the staged plan.
    """
    from plait.experiment.loading import load
    from plait.plans.promotion import promote as promote_plans
    from plait.running.graph import require_current
    from plait.running.project import root

    experiment = load(root() / "params.yaml")
    require_current(root())
    if require_approval:
        if dry_run or replace:
            raise PlaitError(
                "--require-approval: found it with --dry-run or --replace, expected it alone: the "
                "person who is asked sees the decision first, and gives consent and reason."
            )
        _ask(root(), services, to)
        return
    for decision in promote_plans(
        experiment, root(), services or None, stage=to, consent=replace, dry_run=dry_run
    ):
        print(_line(decision, dry_run, as_json))
        if not as_json:
            _show_gates(decision)


def _line(decision: "Decision", dry_run: bool, as_json: bool) -> str:
    if not as_json:
        would = "would be " if dry_run and decision.status != "unchanged" else ""
        return f"{decision.service}: {would}{decision.status}. {decision.reason}"
    from plait.registry.records import as_json as record_as_json

    value = {
        "service": decision.service,
        "status": decision.status,
        "reason": decision.reason,
        "dry_run": dry_run,
        "record": record_as_json(decision.record),
    }
    return json.dumps(value, ensure_ascii=False)


def _show_gates(decision: "Decision") -> None:
    """Print the table of a decision; a line is never cut, so that it can be searched."""
    from rich.console import Console

    from plait.report.gates import gates_table, record_gates

    console = Console()
    table = gates_table(record_gates(decision.record.gates))
    if not console.is_terminal:  # a file has no edge, and a name that is cut finds nobody
        whole = console.options.update(max_width=UNCUT)
        console.width = max(console.width, console.measure(table, options=whole).maximum)
    console.print(table)


def _ask(root: "Path", services: list[str] | None, to: Stage) -> None:
    """Run the flow that pauses for a person, and say where to answer."""
    import os
    import sys

    from plait.running import prefect_server, project
    from plait.running.events import Event, listening

    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    prefect_server.ensure(root)
    flow = project.flows("promotion").promotion

    def show(event: Event) -> None:
        print(event.text, flush=True)

    with listening(show):
        state = flow(services=services or None, stage=to, return_state=True)
    if not state.is_completed():
        print(f"error: {state.message}", file=sys.stderr)
        sys.exit(2)
