"""The command line. Each command imports what it needs when it is called."""

import os
import sys

import typer

from plait.commands.check_model import check_model
from plait.commands.compare import compare
from plait.commands.configure import configure
from plait.commands.data import app as data
from plait.commands.export import export
from plait.commands.fetch import fetch
from plait.commands.new import new
from plait.commands.predict import predict
from plait.commands.promote import promote
from plait.commands.publish import publish, pull
from plait.commands.registry import app as registry
from plait.commands.results import results
from plait.commands.rollback import rollback
from plait.commands.run import run
from plait.commands.schedule import schedule
from plait.commands.score import score
from plait.commands.serve import serve
from plait.commands.server import app as server
from plait.commands.validate import validate
from plait.commands.verify import verify
from plait.errors import PlaitError

app = typer.Typer(
    help=(
        "One fine-tuned text classifier or several, an encoder or an LLM: measured, versioned, "
        "promoted.\n\nStart with `plait run`; it ends with a table for each service, a report and "
        'a promoted plan. Then: `plait predict "turn on the kitchen lights" --service assistant`.'
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    new,
    run,
    predict,
    score,
    serve,
    configure,
    fetch,
    validate,
    promote,
    publish,
    pull,
    rollback,
    results,
    compare,
    verify,
    check_model,
    export,
    schedule,
):
    app.command()(command)
app.add_typer(data, name="data")
app.add_typer(registry, name="registry")
app.add_typer(server, name="server")


def main() -> None:
    """Entry point: a user's mistake is one message and status 2."""
    # Turns off the telemetry of dependencies; must be set before any of them is imported.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        app()
    except PlaitError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
