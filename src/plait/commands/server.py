"""`plait server`: the Prefect server whose pages show the runs."""

from typing import Annotated

import typer

app = typer.Typer(help="The local Prefect server, whose pages show runs, logs and progress.")

Port = Annotated[
    int | None, typer.Option(help="Port on 127.0.0.1; without it 4200, or a free one.")
]


@app.command()
def start(port: Port = None) -> None:
    """Start a server in the background, unless one answers already."""
    import os

    from plait.running import prefect_server, project

    if port is not None:
        os.environ["PREFECT_API_URL"] = f"http://{prefect_server.HOST}:{port}/api"
    print(f"Prefect: {prefect_server.ensure(project.root()).ui}")


@app.command()
def stop() -> None:
    """Stop the server that plait started for this project; runs and their history stay."""
    from plait.running import prefect_server, project

    stopped = prefect_server.stop(project.root())
    print(f"Stopped {stopped.ui}" if stopped else "plait has no server running for this project.")


@app.command()
def status() -> None:
    """Say where a server answers; exit with 1 when none does."""
    from plait.running import prefect_server, project

    found = prefect_server.find(project.root())
    if found is None:
        print("No Prefect server answers. Start one with `plait server start`.")
        raise typer.Exit(1)
    owner = f"started by plait, process {found.pid}" if found.pid else "not started by plait"
    print(f"Prefect: {found.ui} ({owner})")
