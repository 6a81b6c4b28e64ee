"""`plait configure`: another experiment takes the place of params.yaml."""

import sys
from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(help="A file of experiments/, without its ending.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Drop hand edits in params.yaml without asking.")
]
Keep = Annotated[
    bool, typer.Option("--keep", help="Keep params.yaml as it is where it has hand edits.")
]


def configure(name: Name, overwrite: Overwrite = False, keep: Keep = False) -> None:
    """Copy experiments/NAME.yaml over params.yaml; hand edits there are never lost unasked.

    Outputs follow: models, scores, timings, report and the rest of the experiment that was in place
    move to .plait/set-aside/, and come back when you switch back to it. So `dvc metrics show` and
    the report never show two experiments side by side. Nothing is lost if you delete
    .plait/set-aside/: what is missing comes from DVC's cache at the next run, or is made again.
    git shows the committed scores of the other experiment as deleted until you switch back.
    """
    from plait.running import project

    if switch_or_ask(project.root(), name, overwrite, keep):
        print(f"params.yaml is experiments/{name}.yaml. Next: plait run")
    else:
        print("params.yaml stays as it is. Next: plait run")


def switch_or_ask(root: Path, name: str, overwrite: bool, keep: bool) -> bool:
    """Switch experiments; whether params.yaml is now that experiment.

    Where it has hand edits: `overwrite` drops them, `keep` keeps them, else a person is asked.

    Raises:
        PlaitError: as `switching.switch`; also for hand edits when nobody can be asked.
    """
    from plait.errors import PlaitError
    from plait.experiment.switching import has_hand_edits, switch
    from plait.running.processes import only_run

    if overwrite and keep:
        raise PlaitError("--overwrite and --keep: found both, expected one of them.")
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
