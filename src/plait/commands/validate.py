"""`plait validate`: what is wrong with the data, in the terminal and on a page."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from plait.validation import Report, Result

STYLES = {"passed": "green", "warnings": "yellow", "failed": "red"}


def validate() -> None:
    """Check the prepared data of the current experiment; show what is wrong with it.

    Checks what was prepared last (`dvc repro prepare` prepares it again) and writes
    validation/report.json and validation/index.html. Exit code 0: no critical failure; warnings
    don't stop a run. Exit code 2: at least one critical failure; nothing is trained on such data.
    """
    from rich.console import Console
    from rich.text import Text

    from plait.project import root
    from plait.stages.validate import PAGE, report

    root()
    found, console = report(), Console()
    if found.verdict != "passed":
        console.print(_failures(found))
    console.print(Text(found.sentence, style=STYLES[found.verdict]))
    console.print(f"Page: {PAGE}", highlight=False)
    if found.verdict == "failed":
        raise typer.Exit(2)


def _failures(report: "Report") -> "Table":
    from rich.table import Table

    table = Table("Severity", "Dataset", "Rule", "Found")
    for result in [*report.failed("critical"), *report.failed("warning")]:
        style = "red" if result.severity == "critical" else "yellow"
        table.add_row(result.severity, result.dataset, result.rule, _found(result), style=style)
    return table


def _found(result: "Result") -> str:
    from rich.markup import escape

    rows = f"\nFor example: {', '.join(result.rows)}" if result.rows else ""
    return escape(result.sentence + rows)
