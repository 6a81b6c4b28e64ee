"""What the commands of the GPU campaign share."""

import subprocess
import sys
from collections.abc import Callable

from massive import ROOT
from plait.errors import PlaitError


def run(main: Callable[[], None]) -> None:
    """Run a command; a mistake of the user is one line, and exit code 1."""
    try:
        main()
    except PlaitError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def revision() -> str | None:
    """git's, if this is a clone."""
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
