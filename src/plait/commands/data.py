"""`plait data`: look at files of data, and write them into params.yaml."""

from collections.abc import Mapping, Sequence
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from plait.datasets.inspecting.suggesting import Choice, Found

app = typer.Typer(help="Look at files of data, and write them into params.yaml.")

Files = Annotated[
    list[Path],
    typer.Argument(
        help="Files of one data set; also a folder, or a pattern in quotes.", show_default=False
    ),
]
Name = Annotated[str | None, typer.Option(help="Name of the data set; default: the file's.")]
TextField = Annotated[str | None, typer.Option(help="Column with the text; default: found.")]
LabelField = Annotated[
    list[str] | None, typer.Option(help="Column with labels; can be repeated; default: found.")
]
SpansField = Annotated[
    list[str] | None, typer.Option(help="Column with spans; can be repeated; default: found.")
]


@app.command()
def inspect(
    files: Files,
    name: Name = None,
    text_field: TextField = None,
    label_field: LabelField = None,
    spans_field: SpansField = None,
) -> None:
    """Say what FILES hold, and print the section of params.yaml that reads them.

    Finds the format, delimiter, encoding, columns, labels and spans, then reads and checks the
    rows as a run would. Needs no project, and writes nothing. Exit code 0: no failure or warnings
    only; 2: a critical failure, or a file that can't be read.
    """
    console = _console()
    found, additions = look(files, name, choice(text_field, label_field, spans_field))
    _show(console, found)
    console.print(f"\n{_yaml(additions)}", markup=False)
    verdict = _try(console, additions)
    named = " ".join(map(str, files))
    console.print(f"Write it into params.yaml with `plait data add {named}`.", markup=False)
    raise typer.Exit(2 if verdict == "failed" else 0)


@app.command()
def add(
    files: Files,
    name: Name = None,
    text_field: TextField = None,
    label_field: LabelField = None,
    spans_field: SpansField = None,
) -> None:
    """Write FILES as a data set with its tasks into params.yaml, whose comments stay.

    Writes nothing if a file can't be read or a name is taken. Candidates and services that use the
    tasks are yours to add. Exit code 2: nothing was written.
    """
    from plait.experiment.editing import add as write
    from plait.running import project

    console = _console()
    params = project.root() / "params.yaml"
    _, additions = look(files, name, choice(text_field, label_field, spans_field), params)
    _try(console, additions)
    write(params, additions)
    console.print(f"params.yaml has it now:\n\n{_yaml(additions)}", markup=False)
    tasks = ", ".join(additions["tasks"])
    console.print(f"Next: name {tasks} in a candidate and a service.", markup=False)


def choice(text: str | None, labels: Sequence[str] | None, spans: Sequence[str] | None) -> "Choice":
    """The columns that the command line names."""
    from plait.datasets.inspecting.suggesting import Choice

    return Choice(text, tuple(labels or ()), tuple(spans or ()))


def look(
    files: Sequence[Path], name: str | None, chosen: "Choice", params: Path | None = None
) -> "tuple[Found, dict[str, dict[str, Any]]]":
    """What files hold, and the entries of params.yaml that read them, under free names."""
    from plait import strict_yaml
    from plait.datasets.inspecting.suggesting import inspect as look_at
    from plait.experiment import naming
    from plait.sources.local import pattern_root

    taken = (strict_yaml.read(params) or {}).get("tasks") or {} if params else {}
    found = look_at(files, chosen, lambda columns: naming.unique(columns, "column"))
    stem = files[0].name.split(".")[0]
    stem = pattern_root(str(files[0])).name if has_magic(stem) else stem
    dataset = name or naming.valid(stem, "data")
    tasks = {
        naming.free(field if field not in taken else f"{dataset}-{field}", taken): {
            "dataset": dataset,
            "kind": kind,
            "field": field,
        }
        for field, kind in found.kinds.items()
    }
    return found, {"datasets": {dataset: dict(found.settings)}, "tasks": tasks}


def _show(console: "Console", found: "Found") -> None:
    from rich.table import Table

    for opened in found.opened:
        console.print(f"{opened.path}: {opened.format}", markup=False)
    table = Table("Column", "Looks like", "Filled", "Distinct", "First", title_justify="left")
    for column in found.columns:
        cells = (column.name, column.kind, f"{column.filled:,}", f"{column.distinct:,}")
        table.add_row(*cells, column.example)
    console.print(f"{found.rows:,} rows")
    console.print(table, markup=False)


def _try(console: "Console", additions: Mapping[str, Mapping[str, Any]]) -> str:
    from plait.preparation.trial import try_out

    report = try_out(additions, "the section above")
    for result in [*report.failed("critical"), *report.failed("warning")]:
        console.print(f"{result.severity}: {result.rule}: {result.sentence}", markup=False)
    console.print(report.sentence, markup=False)
    return report.verdict


def _yaml(additions: Mapping[str, Mapping[str, Any]]) -> str:
    from plait.experiment.editing import as_text

    return as_text(additions)


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)
