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
    from plait.report.copies import publish
    from plait.running.graph import require_current
    from plait.running.project import root

    require_current(root())
    publish(root(), output)
    print(f"{output}.json and {output}.md: written")
