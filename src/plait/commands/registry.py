"""`plait registry`: what serves, what led there, whether all of it is intact."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plait.errors import PlaitError

if TYPE_CHECKING:
    from rich.console import Console

    from plait.registry.records import Record
    from plait.registry.store import Registry

app = typer.Typer(
    help=(
        "What serves each service, the acts that led there, and whether all of it is intact. "
        "`docs/registry.md` has what lies where."
    ),
    no_args_is_help=True,
)

UNCUT = 160
"""Characters per line without a terminal."""
Service = Annotated[str, typer.Argument(help="A service; `plait registry list` shows them.")]
Number = Annotated[int, typer.Argument(help="Number of a record (`plait registry history`).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Why = Annotated[str, typer.Option(help="The reason, which the record keeps.")]


def _registry() -> "Registry":
    from plait.registry.store import Registry

    return Registry(Path())


def _console() -> "Console":
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = UNCUT  # a file or a pipe has no width at which a table had to be cut
    return console


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(*head)
    for row in rows:
        table.add_row(*map(Text, row))
    _console().print(table)


def _dump(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the services: which plan serves at each stage, since when, and what is held."""
    from plait.registry.overview import overview

    found = overview(_registry())
    if as_json:
        _dump([vars(line) for line in found])
    elif not found:
        print(f"{_registry().folder}: no service has a history yet. `plait run` promotes one.")
    else:
        _table(
            ("Service", "Stage", "Record", "Plan", "Since", "By", "Held"),
            [[line.service, line.stage, *line.shown(), line.held] for line in found],
        )


@app.command()
def show(
    service: Service,
    number: Annotated[int | None, typer.Argument(help="A record; default: the champion.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a record: what was decided, why, by whom, on which data, code and packages."""
    from plait.registry.overview import details
    from plait.registry.records import as_json as record_as_json

    registry = _registry()
    record = registry.require(service) if number is None else _record(registry, service, number)
    if as_json:
        _dump(record_as_json(record))
        return
    for title, lines in details(record).items():
        print(f"{title:<12}{lines[0]}")
        for line in lines[1:]:
            print(f"{'':<12}{line}")


def _record(registry: "Registry", service: str, number: int) -> "Record":
    registry.require_known(service)
    if number not in registry.numbers(service):
        lost = number in registry.lost(service)
        raise PlaitError(
            f"{service}: record {number} "
            + ("was damaged and set aside." if lost else "doesn't exist.")
            + f" `plait registry history {service}` lists them."
        )
    return registry.record(service, number)


@app.command()
def history(service: Service, as_json: AsJson = False) -> None:
    """List all acts on a service, oldest first; ▶ marks what serves now, and where."""
    from plait.registry.overview import history as lines
    from plait.registry.records import as_json as record_as_json

    registry = _registry()
    registry.require_known(service)
    if as_json:
        _dump([record_as_json(record) for record in registry.history(service)])
    else:
        _table(
            ("", "No.", "Time (UTC)", "Act", "Plan", "Outcome", "Who", "Why"),
            lines(registry, service),
        )


@app.command()
def diff(service: Service, old: Number, new: Number, as_json: AsJson = False) -> None:
    """Show what differs between two records: plan, bundles, scores, gates, packages, data."""
    from plait.registry.overview import differences

    registry = _registry()
    found = differences(_record(registry, service, old), _record(registry, service, new))
    if as_json:
        _dump([vars(each) for each in found])
    elif not found:
        print(f"{service}: records {old} and {new} differ in nothing that matters.")
    else:
        _table(("What", f"Record {old}", f"Record {new}", "Difference"), [d.row() for d in found])


@app.command()
def hold(service: Service, why: Annotated[str, typer.Option(help="The reason.")]) -> None:
    """Let no plan of a service be promoted, whatever its scores, until it is released.

    What serves goes on serving; `plait rollback` still works.
    """
    from plait.registry.acts import hold as act

    _require_service(service)
    record = act(Path(), service, why)
    print(f"{service}: held (record {record.number}). `plait registry release {service}` ends it.")


@app.command()
def release(service: Service, why: Why = "") -> None:
    """End a hold, and let plans that were rolled back from be promoted again."""
    from plait.registry.acts import release as act

    _registry().require_known(service)
    record = act(Path(), service, why)
    print(f"{service}: released (record {record.number}). The next run may promote again.")


def _require_service(service: str) -> None:
    """Raise `PlaitError` for a name that neither the registry nor params.yaml knows."""
    from plait.experiment.loading import load

    params = Path("params.yaml")
    if not (params.is_file() and service in load(params).services):
        _registry().require_known(service)


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=1, help="How many champions a stage keeps.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False,
) -> None:
    """Remove the bundles of old champions; all records stay.

    Never removes what serves at any stage, what was published, or what a newer record than the last
    N champions names. A rollback to a removed plan then needs models/, DVC's cache or its remote.
    """
    from plait.registry.pruning import prune as act

    pruned = act(Path(), keep, dry_run)
    for each in pruned:
        owners = "; ".join(
            f"{service}, record {', '.join(str(r.number) for r in records)}"
            for service, records in each.owners.items()
        )
        print(f"{each.digest[:12]}  {each.size / 1e6:8.1f} MB  {owners or 'no record names it'}")
    total = sum(each.size for each in pruned) / 1e6
    print(f"{len(pruned)} bundles, {total:.1f} MB {'would be ' if dry_run else ''}removed.")


@app.command()
def verify(
    mend: Annotated[bool, typer.Option("--mend", help="Mend what can be mended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read all bytes of registry, outputs and DVC's cache again, and find what the disk altered.

    Names for each finding the command that mends it. --mend brings bundles, outputs and cached
    files back from whichever of registry, work folder, DVC's cache and its remote has them intact,
    and moves what is damaged to .plait/damaged/. It trains nothing. Exit code 1: something is left.
    """
    from plait.running.verifying import verify as look

    result = look(Path.cwd().resolve(), mend)
    if as_json:
        _dump(result.as_json())
    else:
        for line in result.lines():
            print(line)
    if result.left:
        raise typer.Exit(1)


@app.command()
def adopt() -> None:
    """Take over the registry/ folder of an earlier version: its champions and its history."""
    from plait.registry.adopting import adopt as act

    services = act(Path())
    print(f"{_registry().folder} has {', '.join(services)} now. registry/ here may go.")
