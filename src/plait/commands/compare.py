"""`plait compare`: the scores of two versions side by side."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

Old = Annotated[str, typer.Argument(metavar="REV_A", help="A commit, tag or branch.")]
New = Annotated[
    str | None,
    typer.Argument(metavar="REV_B", help="Another one; default: the working tree."),
]
Markdown = Annotated[bool, typer.Option("--markdown", help="A table for a pull request.")]
HEAD = ("Candidate", "Task", "Metric")
MISSING = "–"


def compare(old: Old, new: New = None, markdown: Markdown = False) -> None:
    """Compare the scores of two versions, in percent, as a table of `dvc metrics diff`.

    The scores/ of both versions must be committed. A dash stands for a candidate that a version
    lacks. The table doesn't say whether a difference is more than noise: the intervals in each
    version's report do.
    """
    from plait.running.project import root

    root()
    head = [*HEAD, old, new or "working tree", "Difference"]
    lines = list(_lines(_difference(old, new)))
    if not lines:
        print(f"No score differs between {old} and {new or 'the working tree'}.")
    elif markdown:
        from plait.report.tables import markdown as as_markdown

        print(as_markdown(head, lines))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table(*head)
        for line in lines:
            table.add_row(*line)
        Console().print(table)


def _difference(old: str, new: str | None) -> dict[str, Any]:
    """The differences that DVC reports, by file."""
    import json
    import sys

    from plait.errors import PlaitError

    revisions = [old, *([new] if new else [])]
    for revision in revisions:
        if _output(["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"]) is None:
            raise PlaitError(
                f"{revision}: no such commit, tag or branch. `git log --oneline` and `git tag` "
                "list them."
            )
    found = _output([sys.executable, "-P", "-m", "dvc", "metrics", "diff", "--json", *revisions])
    if found is None:
        raise PlaitError(
            f"{' '.join(revisions)}: DVC can't compare them. `dvc metrics diff "
            f"{' '.join(revisions)}` says why."
        )
    difference: dict[str, Any] = json.loads(found or "{}")
    return difference


def _output(command: list[str]) -> str | None:
    """The standard output of a command; None if it fails."""
    import subprocess

    from plait.running.graph import environment

    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout


def _lines(found: dict[str, Any]) -> "Iterator[list[str]]":
    """A table row for each different score; without timings, which depend on the machine."""
    for path, metrics in sorted(found.items()):
        folder, _, name = path.rpartition("/")
        if folder == "scores":
            for metric, values in sorted(metrics.items()):
                task, _, metric_name = metric.rpartition(".")
                old, new = values.get("old"), values.get("new")
                both = isinstance(old, float | int) and isinstance(new, float | int)
                yield [
                    name.removesuffix(".json"),
                    task,
                    metric_name,
                    _percent(old),
                    _percent(new),
                    f"{100 * (new - old):+.2f}" if both else MISSING,
                ]


def _percent(value: Any) -> str:
    return f"{100 * value:.2f}" if isinstance(value, float | int) else MISSING
