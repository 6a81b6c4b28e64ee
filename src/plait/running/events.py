"""Events of stages, for listeners in this process, such as the command line."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

EventKind = Literal[
    "note", "started", "progress", "line", "ran", "restored", "unchanged", "failed", "over", "lost"
]


@dataclass(frozen=True)
class Event:
    """An event of a stage, or of other work, whose end is `over`; `lost` is the end of all.

    Attributes:
        stage: the name of the stage or work.
        text: a line of output or a reason.
        figures: what `plait.progress` printed.
    """

    kind: EventKind
    stage: str = ""
    text: str = ""
    figures: Mapping[str, Any] | None = None


_listeners: list[Callable[[Event], None]] = []


@contextmanager
def listening(listener: Callable[[Event], None]) -> Iterator[None]:
    """Call `listener` for every event within the block, in the thread of the event."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(event: Event) -> None:
    """Pass an event to all listeners."""
    for listener in list(_listeners):
        listener(event)
