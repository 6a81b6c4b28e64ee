"""`plait server`: the Prefect server whose pages show the runs."""

from typing import Annotated

import typer

app = typer.Typer(help="The local Prefect server, whose pages show runs, logs and progress.")

Port = Annotated[int | None, typer.Option(help="Port on 127.0.0.1; default: 4200, or a free one.")]


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
    """Stop the server that plait started for this project; its history stays."""
    from plait.running import prefect_server, project

    stopped = prefect_server.stop(project.root())
    print(f"Stopped {stopped.ui}" if stopped else "plait has no server running for this project.")


@app.command()
def status() -> None:
    """Print the address of the server; exit with 1 if none answers."""
    from plait.running import prefect_server, project

    server = prefect_server.find(project.root())
    if server is None:
        print("No Prefect server answers. Start one with `plait server start`.")
        raise typer.Exit(1)
    owner = f"started by plait, process {server.pid}" if server.pid else "not started by plait"
    print(f"Prefect: {server.ui} ({owner})")
