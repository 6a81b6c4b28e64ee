"""`plait validate`: check the data; show the faults in the terminal and on a page."""

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
        help="A file of rows (CSV, JSON, Parquet, Excel) to check instead; needs no project.",
        show_default=False,
    ),
]
TextField = Annotated[str, typer.Option(help="Column of FILE with the text.")]
LabelField = Annotated[
    list[str] | None, typer.Option(help="Column of FILE with labels; can be repeated.")
]
LabelSetField = Annotated[
    list[str] | None,
    typer.Option(
        help="Column of FILE with several labels or none a row, as a JSON list; can be repeated."
    ),
]
Separator = Annotated[
    str | None,
    typer.Option(help="What stands between the labels of a cell, if it is no JSON list."),
]
SpansField = Annotated[
    list[str] | None,
    typer.Option(help="Column of FILE with spans, [[start, end, type], …]; can be repeated."),
]
SplitField = Annotated[
    str | None,
    typer.Option(help="Column of FILE with train, dev or test; default: a random split."),
]
Dev = Annotated[
    float, typer.Option("--dev", help="Share of FILE's rows drawn as dev, if it has none.")
]
Heldout = Annotated[
    float, typer.Option("--heldout", help="Share of FILE's rows drawn as held-out, if it has none.")
]
IdField = Annotated[str | None, typer.Option(help="Column of FILE with the row's id.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="A setting of the reader of FILE, NAME=VALUE, such as encoding=cp1252; can be "
        "repeated.",
    ),
]
Page = Annotated[
    Path | None, typer.Option(help="Path of the page for FILE; default: FILE.validation.html.")
]
Accept = Annotated[
    bool,
    typer.Option(
        "--accept",
        help="Unless a critical check fails, write accepted.json, to compare later versions with.",
    ),
]


def validate(
    file: File = None,
    text_field: TextField = "text",
    label_field: LabelField = None,
    label_set_field: LabelSetField = None,
    separator: Separator = None,
    spans_field: SpansField = None,
    split_field: SplitField = None,
    id_field: IdField = None,
    settings: Settings = None,
    dev: Dev = 0.1,
    heldout: Heldout = 0.2,
    page: Page = None,
    accept: Accept = False,
) -> None:
    """Check the prepared data of the current experiment, or one file, and list the faults.

    Without FILE: checks the last prepared data (`dvc repro prepare` updates it) and writes
    validation/. With FILE: `plait validate my.csv --text-field body --label-field team` checks it
    with the default limits, without params.yaml. Exit code 0: no critical failure; warnings don't
    stop a run. Exit code 2: at least one critical failure; a run would train no candidate that
    uses the dataset.
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
        raise PlaitError(
            "--accept: works with the data of the experiment only; leave it out with a file."
        )
    if page and page.resolve() == file.resolve():
        raise PlaitError(f"--page: {page} is the file to check; name another place for the page.")
    columns = Columns(
        text_field,
        tuple(label_field or ()),
        tuple(spans_field or ()),
        split_field,
        id_field,
        tuple(label_set_field or ()),
        separator,
    )
    found = check_file(file, columns, dev, heldout, settings or ())
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
