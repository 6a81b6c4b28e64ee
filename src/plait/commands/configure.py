"""`plait configure`: switch to another experiment."""

import sys
from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(help="A file of experiments/, without .yaml.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Drop hand edits in params.yaml without asking.")
]
Keep = Annotated[bool, typer.Option("--keep", help="Keep params.yaml if it has hand edits.")]


def configure(name: Name, overwrite: Overwrite = False, keep: Keep = False) -> None:
    """Copy experiments/NAME.yaml over params.yaml; asks before it drops hand edits.

    The models, scores, timings, report and other outputs of the previous experiment move to
    .plait/set-aside/, and back when you switch back. So `dvc metrics show` and the report never mix
    two experiments. You may delete .plait/set-aside/: the next run restores the outputs from DVC's
    cache or makes them again. git shows the committed scores of the other experiment as deleted
    until you switch back.
    """
    from plait.running import project

    if switch_or_ask(project.root(), name, overwrite, keep):
        print(f"params.yaml is experiments/{name}.yaml. Next: plait run")
    else:
        print("params.yaml stays as it is. Next: plait run")


def switch_or_ask(root: Path, name: str, overwrite: bool, keep: bool) -> bool:
    """Switch experiments; return whether params.yaml is now that experiment.

    `overwrite` drops hand edits in params.yaml, `keep` keeps them; otherwise the user is asked.

    Raises:
        PlaitError: as `switching.switch`; also for hand edits if there is no terminal.
    """
    from plait.errors import PlaitError
    from plait.experiment.switching import has_hand_edits, switch
    from plait.running.processes import only_run

    if overwrite and keep:
        raise PlaitError("--overwrite and --keep: found both, expected at most one.")
    if has_hand_edits(root) and not overwrite:
        if keep:
            return False
        question = f"params.yaml has hand edits. Drop them for experiments/{name}.yaml?"
        if sys.stdin.isatty() and not typer.confirm(question):
            return False
        overwrite = sys.stdin.isatty()
    with only_run(root, _wait_for_run):
        switch(root, name, overwrite)
    return True


def _wait_for_run() -> None:
    print("A run of this project is going on: waiting for its end", file=sys.stderr, flush=True)
