"""The summary of a run on one screen: for each service its verdict and a table of its plans."""

from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from plait.report.tables import METRIC_NAMES, cell, digits
from plait.scores.intervals import Estimate

LAYOUTS = ((", ", " "), (",\n", " "), (",\n", "\n"))
"""What stands between two models, and between a figure and its interval: the widest first."""

UNLIMITED = 10_000


def show(console: Console, summary: dict[str, Any]) -> None:
    """Print `report/summary.json`, in the widest layout that fits."""
    for service in summary["services"]:
        console.print()
        console.print(Text(f"{service['service']}: {service['verdict']}"), soft_wrap=False)
        if service["plans"]:
            console.print(_fitting(console, service), soft_wrap=False)
    for name, reason in summary["stopped"].items():
        console.print(Text(f"\n{name}: {reason}", style="bold red"), soft_wrap=False)


def _fitting(console: Console, service: dict[str, Any]) -> Table:
    tables = [_table(service, *layout) for layout in LAYOUTS]
    wide = console.options.update(width=UNLIMITED)
    fitting = (t for t in tables if console.measure(t, options=wide).maximum <= console.width)
    return next(fitting, tables[-1])


def _table(service: dict[str, Any], between: str, before_interval: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("Plan", "Models"):
        table.add_column(title, overflow="fold")
    for task, metric in service["headlines"].items():
        table.add_column(Text(f"{task}\n{METRIC_NAMES[metric]}, %"), justify="right")
    table.add_column("request\np50, ms", justify="right")
    for plan in service["plans"]:
        wins = plan["plan"] == service["winner"]
        name = f"{'✓' if wins else ' '} {plan['plan']}"
        cells = [name, between.join(plan["models"]), *_figures(service, plan, before_interval)]
        table.add_row(*map(Text, cells), style="bold green" if wins else None)
    return table


def _figures(service: dict[str, Any], plan: dict[str, Any], before_interval: str) -> Iterator[str]:
    for task in service["headlines"]:
        found = cell(Estimate.from_json(plan["scores"][task]))
        yield f"{found.value}{before_interval}[{found.interval}]"
    yield digits(plan["p50_ms"])
