"""A report as files that are committed: records (JSON) and text (Markdown)."""

from pathlib import Path

from plait.experiment.switching import current
from plait.files import atomic_write, read_json, write_json


def publish(folder: Path, output: Path) -> None:
    """Copy the records and text of `folder`/report to `output`.json and `output`.md.

    If params.yaml is an unedited experiment, the records name the command that runs it.
    """
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
