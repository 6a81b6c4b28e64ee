"""When new data start a run, beside those of the calendar: once each, and only when they are whole.

A look at the data is cheap at first: a *glance*, anything that differs when the data may differ.
Only after it has stayed the same for a while the data's *version* is read, the digest of each part.
A version that differs from the last one starts one run, or is known to a run that has begun since.
"""

from collections.abc import Hashable, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from plait.running.missed import Overlap

SETTLE = timedelta(seconds=10)
"""How long data must stay as they are: a file that is still being written must not start a run."""
TAG = "data-arrival"

Version = Mapping[str, str]
"""Digest of each part of the data that is there, by its name."""
Verdict = Literal["known", "taken", "wait", "left out", "start"]


class Runs(NamedTuple):
    """The runs of the deployment: whether one goes on or waits, and when the last one began."""

    going_on: bool
    waiting: bool
    begun: datetime | None


class Arrivals:
    """Judges looks at the data; `last` is the version that a run has, or that was there first.

    Parts that were there once stay in it: a file that goes and comes back as it was is known.
    """

    def __init__(self, last: Version | None, settle: timedelta = SETTLE) -> None:
        self.last = last
        self._settle = settle
        self._glance: Hashable = None
        self._since: datetime | None = None
        self._accepted: Hashable = None

    def is_due(self, glance: Hashable, now: datetime) -> bool:
        """Whether the data may be new and have settled, so that their version is worth reading.

        Args:
            glance: None while the data can't be looked at.
        """
        if glance != self._glance or self._since is None:
            self._glance, self._since = glance, now
        settled = now - self._since >= self._settle
        return settled and glance not in (None, self._accepted)

    def judge(self, version: Version, runs: Runs, overlap: Overlap) -> Verdict:
        """What becomes of a version, right after `is_due`; `accept` it unless it must wait."""
        if self.last is None or not self.new_parts(version):
            return "known"
        if runs.begun and self._since and runs.begun >= self._since:
            return "taken"
        if runs.going_on and overlap == "skip":
            return "left out"
        return "wait" if runs.going_on or runs.waiting else "start"

    def accept(self, version: Version) -> None:
        """Don't judge this version again."""
        self.last, self._accepted = {**(self.last or {}), **version}, self._glance

    def new_parts(self, version: Version) -> list[str]:
        """The parts of the data that are new or other; one that is gone hasn't arrived."""
        last = self.last or {}
        return sorted(name for name, digest in version.items() if last.get(name) != digest)
