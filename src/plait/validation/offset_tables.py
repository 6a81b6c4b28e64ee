"""Whether the spans of a task fit the words of their texts by another way to count offsets."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from plait.datasets.offsets import READINGS, Edges, Reading
from plait.segmentation import Place
from plait.tasks import Label, Span

LEAST_SPANS = 3
"""Least number of spans that a way to count must move to be believed."""
FIT, MISFIT = 0.9, 0.5
"""It explains the faults if at least 90 % of the spans that it moves begin and end at words then,
and at most half do as they are."""


class _Move(NamedTuple):
    """A span as it is and as another reading has it, and whether each fits words."""

    now: Place
    then: Place | None
    fits_now: bool
    fits: bool


@dataclass
class _Tally:
    """Of the spans that a reading moves: how many fit words then, and as they are."""

    moved: int = 0
    fit: int = 0
    fit_now: int = 0
    example: str = ""

    @property
    def explains(self) -> bool:
        enough = self.moved >= LEAST_SPANS and self.fit >= FIT * self.moved
        return enough and self.fit_now <= MISFIT * self.moved

    def add(self, text: str, move: _Move) -> None:
        self.moved += 1
        self.fit += move.fits
        self.fit_now += move.fits_now
        if move.fits and not move.fits_now and move.then and not self.example:
            self.example = f"{text[slice(*move.now)]!r} becomes {text[slice(*move.then)]!r}"

    def joined(self, later: "_Tally") -> "_Tally":
        return _Tally(
            self.moved + later.moved,
            self.fit + later.fit,
            self.fit_now + later.fit_now,
            self.example or later.example,
        )

    def told(self, reading: Reading) -> str:
        return (
            f"`{reading.setting}` ({self.fit:,} of the {self.moved:,} spans that it moves begin "
            f"and end at words, {self.fit_now:,} as they are; {self.example})"
        )


class Offsets:
    """How the spans of a task fit the words of their texts by each other reading of offsets."""

    def __init__(self) -> None:
        self._tallies = {reading: _Tally() for reading in READINGS[1:]}

    def add(self, text: str | None, label: Label) -> None:
        """The spans of one row."""
        spans = [each for each in label or () if isinstance(each, Span)]
        if text and spans:
            for reading, move in _moved(text, spans):
                self._tallies[reading].add(text, move)

    def joined(self, later: "Offsets") -> "Offsets":
        """The rows of both."""
        found = Offsets()
        for reading, tally in self._tallies.items():
            found._tallies[reading] = tally.joined(later._tallies[reading])
        return found

    def table(self) -> pd.DataFrame:
        """A row for each other reading: `name`, `explains`, and `told`, what it does."""
        return pd.DataFrame(
            [(each.setting, t.explains, t.told(each)) for each, t in self._tallies.items()],
            columns=["name", "explains", "told"],
        )


def _moved(text: str, spans: Iterable[Span]) -> Iterator[tuple[Reading, _Move]]:
    """Each reading with each span that it moves."""
    edges = Edges.of(text)
    for span in spans:
        now = span.start, span.end
        for reading in READINGS[1:]:
            then = reading.place(text, *now)
            if then != now:
                yield reading, _Move(now, then, edges.fit(now), edges.fit(then))
