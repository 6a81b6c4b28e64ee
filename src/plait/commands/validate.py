"""`plait validate`: what is wrong with the data, in the terminal and on a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.errors import PlaitError

if TYPE_CHECKING:
    from rich.table import Table

    from plait.validation.engine import Result
    from plait.validation.report import Report

STYLES = {"passed": "green", "warnings": "yellow", "failed": "red"}

File = Annotated[
    Path | None,
    typer.Argument(
        help="A CSV, TSV or JSONL file of your own to check instead; no set-up is needed.",
        show_default=False,
    ),
]
TextField = Annotated[str, typer.Option(help="Of FILE: the column that holds the text.")]
LabelField = Annotated[
    list[str] | None, typer.Option(help="Of FILE: a column of labels; may be said again.")
]
SpansField = Annotated[
    list[str] | None,
    typer.Option(help="Of FILE: a column of spans ([[start, end, type], …]); may be said again."),
]
SplitField = Annotated[
    str | None,
    typer.Option(help="Of FILE: the column that holds train, dev or test. Without it: at random."),
]
IdField = Annotated[str | None, typer.Option(help="Of FILE: the column that holds the row's id.")]
Page = Annotated[
    Path | None, typer.Option(help="Of FILE: where the page goes (FILE.validation.html).")
]
Accept = Annotated[
    bool,
    typer.Option(
        "--accept",
        help="Unless the checks fail, write accepted.json: later versions are compared with this.",
    ),
]


def validate(
    file: File = None,
    text_field: TextField = "text",
    label_field: LabelField = None,
    spans_field: SpansField = None,
    split_field: SplitField = None,
    id_field: IdField = None,
    page: Page = None,
    accept: Accept = False,
) -> None:
    """Check the prepared data of the current experiment, or a file; show what is wrong with it.

    Without FILE: checks what was prepared last (`dvc repro prepare` prepares it again) and writes
    validation/. With FILE: `plait validate my.csv --text-field body --label-field team` checks it
    with the default limits, without params.yaml. Exit code 0: no critical failure; warnings don't
    stop a run. Exit code 2: at least one critical failure; nothing is trained on such data.
    """
    if file is None:
        from plait.running.project import root
        from plait.stages.validate import ACCEPTED, PAGE, report

        root()
        _show(report(), PAGE, ACCEPTED if accept else None)
        return
    from plait.preparation.own_file import Columns, check_file
    from plait.validation.report import page as html

    if accept:
        raise PlaitError("--accept: is for the data of the experiment; leave it out beside a file.")
    if page and page.resolve() == file.resolve():
        raise PlaitError(f"--page: {page} is the file to check; name another place for the page.")
    columns = Columns(
        text_field, tuple(label_field or ()), tuple(spans_field or ()), split_field, id_field
    )
    found = check_file(file, columns)
    place = page or Path(f"{file.name}.validation.html")
    place.write_text(html(found), encoding="utf-8")
    _show(found, place, None)


def _show(found: "Report", page: Path, accepted: Path | None) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console()
    if found.verdict != "passed":
        console.print(_failures(found))
    console.print(Text(found.sentence, style=STYLES[found.verdict]))
    console.print(f"Page: {page}", highlight=False, soft_wrap=True)
    if found.verdict == "failed":
        raise typer.Exit(2)
    if accepted is not None:
        from plait.validation.accepted import write_accepted

        write_accepted(accepted, {name: each.profile for name, each in found.figures.items()})
        console.print(f"Accepted: {accepted}. Commit it.", highlight=False)


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
