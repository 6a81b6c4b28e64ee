"""Remarks about a file that do not stop a run."""

import sys
from functools import cache


@cache
def say(line: str) -> None:
    """Print a line on stderr, once in a process: a file may be read several times."""
    print(f"warning: {line}", file=sys.stderr)
