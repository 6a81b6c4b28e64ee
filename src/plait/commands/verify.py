"""`plait verify`: rebuild the results from the pins and compare."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from plait.running.reproduction import OutputComparison

STYLES = {"bit-identical": "green", "equal within tolerance": "yellow", "different": "red"}
DEFAULT = 0.005

Candidate = Annotated[str | None, typer.Argument(help="A candidate of params.yaml; default: all.")]
Tolerance = Annotated[
    float, typer.Option(min=0, help="Largest difference of two scores that counts as equal.")
]


def verify(candidate: Candidate = None, tolerance: Tolerance = DEFAULT) -> None:
    """Rebuild the results from the pins in a clone of the commit, and compare them with these.

    Fetches, prepares, trains and scores again, so it takes as long as a first run. Reports for each
    output whether it is bit-identical, equal within the tolerance, or different, and where. Exit
    code 1 if an output differs by more than the tolerance, else 0.
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
        comparisons = reproduction.compare_outputs(root(), scratch, tolerance)
    agreement, sentence = reproduction.overall_agreement(comparisons)
    console = Console()
    console.print(_table(comparisons))
    console.print(Text(f"{agreement}: {sentence}", style=STYLES[agreement]))
    if agreement == "different":
        raise typer.Exit(1)


def _table(comparisons: "list[OutputComparison]") -> "Table":
    from rich.table import Table

    table = Table("Stage", "Output", "Agreement", "Where")
    for each in comparisons:
        table.add_row(
            each.stage, each.output, each.agreement, each.where, style=STYLES[each.agreement]
        )
    return table
