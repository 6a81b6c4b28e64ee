"""`plait publish` and `plait pull`: share a service's champion through git and the DVC remote."""

from typing import Annotated

import typer

from plait.registry.stage import Stage

AtStage = Annotated[Stage, typer.Option(help="The pointer whose plan is meant.")]


def publish(
    service: Annotated[str, typer.Argument(help="The service.")],
    stage: AtStage = "production",
    push: Annotated[
        bool, typer.Option("--push/--no-push", help="Push the tags to the git remote.")
    ] = True,
) -> None:
    """Publish a service's champion: weights to the DVC remote, then tags in git.

    Anyone with git and the remote gets it by `dvc artifacts get REPOSITORY SERVICE --stage prod`,
    in a clone by `plait pull SERVICE`. Your branch and files stay as they are: the publication is
    a commit of its own, which the tags SERVICE@vX.Y.Z and SERVICE#prod#N name. A failed or killed
    publication leaves no tag without weights; publish again to complete it.
    """
    from plait.registry.publishing import publish as share
    from plait.running.project import root

    done = share(root(), service, stage, push, typer.echo)
    where = f"and pushed to {done.shared}" if done.shared else "in this repository only"
    typer.echo(f"{service}: tagged {' and '.join(done.tags)}, {where}.")
    if push and not done.shared:
        typer.echo("Share the tags: `git remote add origin URL`, then `plait publish` again.")


def pull(
    service: Annotated[str, typer.Argument(help="The service.")],
    version: Annotated[
        str | None, typer.Option(help="A published version, such as v1.2.0; default: the stage's.")
    ] = None,
    stage: AtStage = "production",
) -> None:
    """Bring a published champion into this machine's registry, and serve it.

    Into an empty registry its history comes, too. `plait rollback` undoes a pull.
    """
    from plait.registry.pulling import pull as bring
    from plait.running.project import root

    record = bring(root(), service, version, stage)
    typer.echo(f"{service}: plan {record.plan} serves {stage} (record {record.number}).")
