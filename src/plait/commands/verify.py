"""`plait verify`: can the results be made again from the pins?"""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from plait.running.reproduction import Finding

STYLES = {"bit-identical": "green", "equal within tolerance": "yellow", "different": "red"}
DEFAULT = 0.005

Candidate = Annotated[
    str | None, typer.Argument(help="One candidate of params.yaml; all of them unless given.")
]
Tolerance = Annotated[
    float, typer.Option(min=0, help="Largest difference of a score that counts as equal.")
]


def verify(candidate: Candidate = None, tolerance: Tolerance = DEFAULT) -> None:
    """Rebuild from the pins in a scratch clone of the commit, and compare with what stands here.

    Fetches, prepares, trains and scores again, so it takes as long as a first run. Says of each
    output whether it is bit-identical, equal within tolerance, or different, and where. Exit code
    0 for the first two, 1 for different.
    """
    import tempfile
    from pathlib import Path

    from rich.console import Console
    from rich.text import Text

    from plait.errors import PlaitError, did_you_mean
    from plait.experiment import loading
    from plait.running import reproduction
    from plait.running.project import root

    names = list(loading.load(root() / "params.yaml").candidates)
    if candidate is not None and candidate not in names:
        raise PlaitError(f"candidates: no {candidate!r}{did_you_mean(candidate, names)}")
    targets = [f"benchmark@{name}" for name in ([candidate] if candidate else names)]
    with tempfile.TemporaryDirectory(prefix="plait-verify-") as folder:
        scratch = Path(folder, "clone")
        reproduction.require_run(root(), targets)
        reproduction.rebuild(root(), scratch, targets)
        found = reproduction.findings(root(), scratch, tolerance)
    outcome, sentence = reproduction.verdict(found)
    console = Console()
    console.print(_table(found))
    console.print(Text(f"{outcome}: {sentence}", style=STYLES[outcome]))
    if outcome == "different":
        raise typer.Exit(1)


def _table(found: "list[Finding]") -> "Table":
    from rich.table import Table

    table = Table("Stage", "Output", "Outcome", "Where")
    for each in found:
        table.add_row(each.stage, each.output, each.outcome, each.where, style=STYLES[each.outcome])
    return table
