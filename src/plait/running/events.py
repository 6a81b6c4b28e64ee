"""What happens to stages, told to whoever listens in this process (the command line)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

EventKind = Literal[
    "note", "started", "progress", "line", "ran", "restored", "unchanged", "failed", "over"
]


@dataclass(frozen=True)
class Event:
    """`stage` is its name, `text` a line or a reason, `figures` what `plait.progress` printed.

    Work that is no stage is `over` when it ends.
    """

    kind: EventKind
    stage: str = ""
    text: str = ""
    figures: Mapping[str, Any] | None = None


_listeners: list[Callable[[Event], None]] = []


@contextmanager
def listening(listener: Callable[[Event], None]) -> Iterator[None]:
    """Call `listener` for every event within the block, from the thread that it happens in."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(event: Event) -> None:
    for listener in list(_listeners):
        listener(event)
