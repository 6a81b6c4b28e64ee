"""`plait rollback`: an earlier champion serves again."""

from typing import Annotated

import typer

from plait.registry.stage import Stage

Service = Annotated[str, typer.Argument(help="The service; `plait registry list` shows them.")]
To = Annotated[
    int | None,
    typer.Option(
        help="Number of the record whose plan shall serve (`plait registry history`); default: "
        "the champion before the present one."
    ),
]
StageOption = Annotated[Stage, typer.Option(help="The stage whose champion is changed.")]
Why = Annotated[str, typer.Option(help="The reason, which the record keeps.")]


def rollback(
    service: Service, to: To = None, stage: StageOption = "production", why: Why = ""
) -> None:
    """Let an earlier champion of a service serve again, at once.

    Nothing is trained. Bundles that were damaged are brought back from models/, DVC's cache or its
    remote first; if that fails, nothing is changed. The plans that are left are not promoted again,
    however often the pipeline runs, until their bundles change or a person says so: `plait registry
    release SERVICE`, or `plait promote SERVICE --replace WHY`. Twice the same command goes back
    twice. Exit code 2: nothing was changed.
    """
    from functools import partial
    from pathlib import Path

    from plait.registry.acts import rollback as act
    from plait.running.donors import bring

    record = act(Path(), service, to, stage, why, partial(bring, Path()))
    print(
        f"{service}: plan {record.plan} of record {record.restores} serves in {stage} again "
        f"(record {record.number})."
    )
    print(f"It stays so until a bundle changes, or: plait registry release {service}")
