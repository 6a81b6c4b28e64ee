"""`plait new`: a project of the user's own, with their data, candidates and a service."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from plait.commands.data import LabelField, SpansField, TextField, choice, look
from plait.errors import PlaitError

Folder = Annotated[Path, typer.Argument(help="The folder to create; its name is the service's.")]
Data = Annotated[
    list[Path], typer.Option("--data", help="A file with texts and labels; can be repeated.")
]
FloorOnly = Annotated[
    bool, typer.Option("--floor-only", help="TF-IDF candidates only: no weights are fetched.")
]


def new(
    folder: Folder,
    data: Data,
    text_field: TextField = None,
    label_field: LabelField = None,
    spans_field: SpansField = None,
    floor_only: FloorOnly = False,
) -> None:
    """Create a project in FOLDER from your data; `plait run` there trains, compares and promotes.

    Finds the format, columns, labels and spans as `plait data inspect` does, copies the files, and
    writes params.yaml with a TF-IDF floor, one fine-tuned model a task and one for all tasks (for a
    single task: all weights, and low-rank adapters), and a service that compares them.
    """
    from plait.experiment import naming
    from plait.experiment.starting import first_experiment
    from plait.preparation.trial import try_out
    from plait.running import new_project
    from plait.sources.local import found_files

    new_project.require_free(folder)
    if several := [each for each in data if found_files(str(each)) and not each.is_file()]:
        raise PlaitError(
            f"--data {several[0]}: is no single file, and files are copied one by one. Name the "
            "files, or create the project with one and use `plait data add` there."
        )
    found, additions = look(data, None, choice(text_field, label_field, spans_field))
    report = try_out(additions, ", ".join(map(str, data)))
    encoder = None if floor_only else new_project.example_encoder()
    service = naming.valid(folder.resolve().name, "service")
    settings = first_experiment(service, additions, encoder, found.rows)
    for dataset in settings["datasets"].values():
        for file in dataset["files"]:
            file["path"] = f"{new_project.DATA}/{Path(file['path']).name}"
    new_project.create(folder, settings, data)
    for result in [*report.failed("critical"), *report.failed("warning")]:
        print(f"{result.severity}: {result.rule}: {result.sentence}")
    print(report.sentence)
    print(f"Created {folder} with {', '.join(settings['candidates'])}; params.yaml has it all.")
    print(f"Next: cd {shlex.quote(str(folder))} && plait run")
