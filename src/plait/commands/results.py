"""`plait results`: the results of the last run as files to commit."""

from pathlib import Path
from typing import Annotated

import typer

Output = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="PATH", help="PATH.json and PATH.md are written or replaced."
    ),
]


def results(output: Output) -> None:
    """Write the scores of the last run as records (JSON) and as text (Markdown).

    Fails if a stage has changed since: the scores would not match the present parameters and code.
    """
    from plait.running.graph import require_current
    from plait.running.project import root

    require_current(root(), "the scores don't match the present state. Run `plait run` first.")
    publish(root(), output)
    print(f"{output}.json and {output}.md: written")


def publish(folder: Path, output: Path) -> None:
    """Copy the records and text of `folder`/report to `output`.json and `output`.md.

    If params.yaml is an unedited experiment, the records name the command that runs it.
    """
    from plait.experiment.switching import current
    from plait.files import atomic_write, read_json, write_json

    records = read_json(folder / "report/records.json")["records"]
    experiment = current(folder)
    if experiment is not None:
        command = f"plait run --experiment {experiment}"
        records = [{**record, "command": command} for record in records]
    write_json(output.with_name(f"{output.name}.json"), {"records": records})
    commands = dict.fromkeys(f"    {record['command']}" for record in records)
    text = (folder / "report/report.md").read_text(encoding="utf-8")
    with atomic_write(output.with_name(f"{output.name}.md")) as stream:
        stream.write(f"{text}\nMade with:\n\n{chr(10).join(commands)}\n".encode())
