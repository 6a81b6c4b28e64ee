"""Windows: some rows of a file that are answered, written and resumed together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from plait.errors import PlaitError
from plait.serving.texts import fault

ROWS = 1024
"""Rows of a window: enough to sort them by length, few enough to lose little to a kill."""
CHARACTERS = 1 << 23
"""Characters of texts after which a window ends early."""
SHOWN = 10
"""Faults of a file that a message lists; the others are counted."""
_KINDS = {bool: "a truth value", int: "a number", float: "a number", list: "a list"}


@dataclass(frozen=True)
class Window:
    """Rows of a file, in order.

    Attributes:
        number: its place among the file's windows, from 0.
        begin: how many rows stand before it.
        places: where each row stands, as messages say it.
        texts: each row's text, or whatever stands in its place.
        content: the rows as their format has them.
    """

    number: int
    begin: int
    places: list[str]
    texts: list[Any]
    content: Any


Read = Iterator[tuple[str, Any, Any]]
"""Place, text and content of each row."""


def windows(rows: Read) -> Iterator[Window]:
    """Rows in windows, whose limits depend on the rows alone."""
    number = begin = size = 0
    places: list[str] = []
    texts: list[Any] = []
    content: list[Any] = []
    for place, text, row in rows:
        places.append(place)
        texts.append(text)
        content.append(row)
        size += len(text) if isinstance(text, str) else 0
        if len(texts) == ROWS or size >= CHARACTERS:
            yield Window(number, begin, places, texts, content)
            number, begin, size = number + 1, begin + len(texts), 0
            places, texts, content = [], [], []
    if texts:
        yield Window(number, begin, places, texts, content)


def within(found: Iterator[Window], only: tuple[int, int] | None) -> Iterator[Window]:
    """Windows from the first to the last (excluded) of `only`; all of them if it is None."""
    return found if only is None else islice(found, *only)


def unanswerable(text: Any) -> str | None:
    """Why a row has no text to answer; None where it has one."""
    if text is None:
        return "no text (null)"
    if not isinstance(text, str):
        return f"found {_KINDS.get(type(text), 'an object')}, expected a text"
    return fault(text)


class Faults:
    """What is wrong with a file's rows: the first are kept, all are counted."""

    def __init__(self, first: Iterable[str] = (), count: int = 0) -> None:
        self.first, self.count = list(first), count

    def add(self, line: str) -> None:
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(line)

    def __str__(self) -> str:
        left = self.count - len(self.first)
        return "; ".join([*self.first, *([f"and {left:,} more"] if left else [])])


class Strict(Faults):
    """Raises at the first fault: of a file that had none before."""

    def add(self, line: str) -> None:
        raise PlaitError(f"{line}; it had no such fault before. Run the command again.")
