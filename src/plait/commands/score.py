"""`plait score`: the files of a folder are answered by a Prefect flow, part by part."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.commands.predict import BadRow, Delimiter, OfStage, Prefix, ServiceName, TextField, Top

if TYPE_CHECKING:
    from plait.running.events import Event

Folder = Annotated[Path, typer.Argument(help="Folder with .csv, .tsv, .jsonl, .parquet files.")]
OutFolder = Annotated[Path, typer.Option(help="Folder of the outputs; is made if need be.")]
Pattern = Annotated[str, typer.Option(help="Names of the files, such as '*.csv'.")]
Ending = Annotated[
    str | None,
    typer.Option("--format", help="Ending of the outputs, such as .parquet; default: the input's."),
]
PartRows = Annotated[
    int, typer.Option("--rows", min=1, help="Rows of a part; a larger file becomes several.")
]
AtOnce = Annotated[
    int, typer.Option(min=0, help="Parts at once; 0: one here, all of them with --pool.")
]
Processes = Annotated[
    int, typer.Option(min=0, help="Processes of a part; 0: as cores and memory allow.")
]
Pool = Annotated[
    bool,
    typer.Option("--pool", help="Let workers answer (deployment score-part/pool, docs/batch.md)."),
]


def score(
    folder: Folder,
    out: OutFolder,
    service: ServiceName = None,
    stage: OfStage = "production",
    pattern: Pattern = "*",
    ending: Ending = None,
    text_field: TextField = "text",
    prefix: Prefix = "",
    top: Top = 1,
    on_bad_row: BadRow = "null",
    delimiter: Delimiter = None,
    rows: PartRows = 1_000_000,
    at_once: AtOnce = 0,
    processes: Processes = 0,
    pool: Pool = False,
) -> None:
    """Answer all files of FOLDER, each as `plait predict FILE --out` does, in a Prefect flow.

    Parts whose output is there already, of the same input, plan and options, are not answered
    again; a part that was stopped goes on; one that fails leaves the others. Prefect's pages show
    each part with its progress, and a table of all at the end. Exit code 2: a part failed.
    """
    from plait.running import prefect_server, project
    from plait.running.events import listening

    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    server = prefect_server.ensure(project.root())
    flow = project.flows("scoring").score
    print(f"Prefect: {server.ui}", file=sys.stderr)
    with listening(_show):
        state = flow(
            folder=str(folder),
            out=str(out),
            service=service,
            stage=stage,
            pattern=pattern,
            ending=ending,
            text=text_field,
            prefix=prefix,
            top=top,
            on_bad_row=on_bad_row,
            delimiter=delimiter,
            rows=rows,
            at_once=at_once,
            processes=processes,
            pool=pool,
            return_state=True,
        )
    if not state.is_completed():
        print(f"error: {state.message}", file=sys.stderr)
        sys.exit(2)
    print(state.message)


def _show(event: "Event") -> None:
    print(event.text, flush=True)
