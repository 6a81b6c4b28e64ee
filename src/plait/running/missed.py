"""Which scheduled runs are left out: those that were missed, and those that would only queue up.

After downtime all the runs that were due meanwhile would start one after another. One of them is
enough: the latest. While a run goes on, the next one that is due waits for it or, if the schedule
says `skip`, is left out.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

Overlap = Literal["wait", "skip"]
SKIPPED = "Skipped"
"""Name of the state of a run that is left out."""


class Due(NamedTuple):
    """A run that the schedule has planned, at or before now, and that has not begun."""

    time: datetime
    id: UUID


def superfluous(due: Iterable[Due], running: bool, overlap: Overlap) -> list[Due]:
    """The runs to leave out; the one that is left begins next.

    Args:
        running: whether a run goes on.
    """
    ordered = sorted(due)
    return ordered if running and overlap == "skip" else ordered[:-1]


def why(left_out: Due, running: bool, overlap: Overlap) -> str:
    """What the page says of a run that is left out."""
    planned = f"The run planned for {left_out.time:%Y-%m-%d %H:%M %Z} is left out"
    if running and overlap == "skip":
        return f"{planned}: another one was going on (--overlap skip)"
    return f"{planned}: a later one is due, too"
