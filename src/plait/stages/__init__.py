"""Stages of the DVC graph: short modules, and the only code that knows where files are."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from plait.errors import MISTAKE, PlaitError

ALONE = {"plait.stages.timing", "plait.stages.request"}
"""What is timed: nothing runs beside it (`meta.alone` in the graph), and threads are as a service
has them."""

# Threads that wait by spinning make a stage 10 times slower as soon as anything else runs beside
# it; must be said before torch is imported.
if not ALONE & set(sys.orig_argv):
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def run(stage: Callable[..., None]) -> None:
    """Run a stage's function with the command line's arguments; a user's mistake exits with 2."""
    try:
        stage(*sys.argv[1:])
    except PlaitError as error:
        _say(error)
        sys.exit(2)


def _say(error: PlaitError) -> None:
    """On stderr, or in the file that is asked for: there the first of several processes' counts."""
    if path := os.environ.get(MISTAKE):
        with suppress(FileExistsError), Path(path).open("x", encoding="utf-8") as stream:
            stream.write(str(error))
    else:
        print(f"error: {error}", file=sys.stderr)
