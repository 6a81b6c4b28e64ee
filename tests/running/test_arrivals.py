"""A simulated year of data that arrive beside a nightly schedule: exactly the runs promised."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from typing import Literal, NamedTuple
from uuid import UUID

import pytest

from calendars import YEAR, planned
from plait.running.arrivals import Arrivals, Runs, Version
from plait.running.missed import Due, Overlap, superfluous

STEP = timedelta(minutes=5)
HOUR = timedelta(hours=1)
SETTLE = timedelta(minutes=10)


class Begun(NamedTuple):
    """A run of the simulation."""

    kind: Literal["calendar", "data"]
    planned: datetime
    time: datetime


def week(*hours: tuple[int, int, int]) -> list[datetime]:
    """Times of each week of the year: days after Monday, hour and minute of UTC."""
    monday = datetime(YEAR, 1, 5, tzinfo=UTC)
    offsets = [timedelta(days=day, hours=hour, minutes=minute) for day, hour, minute in hours]
    return sorted(monday + timedelta(weeks=number) + o for number in range(51) for o in offsets)


THREE = week((0, 9, 0), (2, 13, 0), (5, 17, 0))


@dataclass
class Year:
    """A schedule, its data and a clock."""

    arrivals: list[datetime]
    calendar: list[datetime] = field(default_factory=planned)
    overlap: Overlap = "wait"
    writing: timedelta = timedelta(0)
    is_up: Callable[[datetime], bool] = lambda _: True
    lasts: Callable[[datetime], timedelta] = lambda _: HOUR

    def runs(self) -> list[Begun]:
        """What begins, and when."""
        judge, waiting, ready = Arrivals(None, SETTLE), self._due(), list[datetime]()
        found: list[Begun] = []
        now = free = datetime(YEAR, 1, 1, tzinfo=UTC)
        while (now := now + STEP) < datetime(YEAR, 12, 31, tzinfo=UTC):
            if not self.is_up(now):
                free, judge = now, Arrivals(judge.last, SETTLE)  # the run has crashed
                continue
            due = list(takewhile(lambda each: each.time <= now, waiting))
            for left_out in superfluous(due, now < free, self.overlap):
                waiting.remove(left_out)
                due.remove(left_out)
            runs = Runs(now < free, bool(due or ready), found[-1].time if found else None)
            if self._starts(judge, now, runs):
                ready.append(now)
            if now >= free and (due or ready):
                if due:
                    waiting.remove(due[0])
                time = due[0].time if due else ready.pop(0)
                found.append(Begun("calendar" if due else "data", time, now))
                free = now + self.lasts(now)
        return found

    def data_runs(self) -> list[Begun]:
        return [run for run in self.runs() if run.kind == "data"]

    def _due(self) -> list[Due]:
        return [Due(time, UUID(int=number)) for number, time in enumerate(self.calendar)]

    def _starts(self, judge: Arrivals, now: datetime, runs: Runs) -> bool:
        count = bisect_right(self.arrivals, now)
        growing = count and now - self.arrivals[count - 1] < self.writing
        if not judge.is_due((count, now if growing else None), now):
            return False
        version: Version = {"tickets.csv": str(count)}
        verdict = judge.judge(version, runs, self.overlap)
        if verdict != "wait":
            judge.accept(version)
        return verdict == "start"


@pytest.mark.parametrize("overlap", ["wait", "skip"])
def test_three_arrivals_a_week_are_a_run_each_beside_every_night(overlap: Overlap) -> None:
    runs = Year(THREE, overlap=overlap).runs()
    data = [run for run in runs if run.kind == "data"]
    assert len(data) == len(THREE) == 153
    pairs = zip(THREE, data, strict=True)
    assert all(SETTLE <= run.time - came <= SETTLE + 2 * STEP for came, run in pairs)
    nights = [run for run in runs if run.kind == "calendar"]
    assert [run.planned for run in nights] == planned()[:-1]


@pytest.mark.parametrize(("overlap", "count"), [("wait", 51), ("skip", 0)])
def test_what_arrives_during_a_run_starts_one_more_afterwards(overlap: Overlap, count: int) -> None:
    """The run begins at 01:30 or 00:30 UTC, takes three hours; three files come one by one."""
    times = week((1, 2, 0), (1, 2, 30), (1, 3, 0))
    year = Year(times, overlap=overlap, lasts=lambda _: 3 * HOUR)
    runs = year.runs()
    data = [run for run in runs if run.kind == "data"]
    assert len(data) == count
    ends = {run.time + 3 * HOUR for run in runs if run.kind == "calendar"}
    assert {run.time for run in data} <= ends
    assert sum(run.kind == "calendar" for run in runs) == 364


def test_a_file_that_is_being_written_for_an_hour_starts_a_run_when_it_is_whole() -> None:
    data = Year(THREE, writing=HOUR).data_runs()
    assert len(data) == len(THREE)
    assert all(run.time - came >= HOUR + SETTLE for came, run in zip(THREE, data, strict=True))


@pytest.mark.parametrize("nightly", [True, False])
def test_what_arrives_in_nine_days_of_downtime_has_one_run(nightly: bool) -> None:
    """The run of the calendar that is caught up, if there is one; else one of its own."""
    down = datetime(YEAR, 6, 10, 12, tzinfo=UTC)
    back = down + timedelta(days=9)
    times = planned() if nightly else []
    runs = Year(THREE, calendar=times, is_up=lambda now: not down <= now < back).runs()
    (late,) = [run for run in runs if back <= run.time < back + HOUR]
    assert late.kind == ("calendar" if nightly else "data")
    missed = sum(down <= came < back for came in THREE)
    assert missed == 4
    data = [run for run in runs if run.kind == "data"]
    assert len(data) == len(THREE) - missed + (late.kind == "data")


@pytest.mark.parametrize(("overlap", "nights"), [("wait", 364), ("skip", 364 - 51)])
def test_a_night_that_is_due_during_a_run_of_new_data(overlap: Overlap, nights: int) -> None:
    runs = Year(week((3, 23, 45)), overlap=overlap, lasts=lambda _: 3 * HOUR).runs()
    assert sum(run.kind == "calendar" for run in runs) == nights
    assert sum(run.kind == "data" for run in runs) == 51
    assert all(a.time + 3 * HOUR <= b.time for a, b in pairwise(runs))


def judged(arrivals: Arrivals, version: Version, minutes: int, begun: int | None = None) -> str:
    now = datetime(YEAR, 1, 1, tzinfo=UTC)
    glance = str(version)
    arrivals.is_due(glance, now + timedelta(minutes=minutes))
    assert arrivals.is_due(glance, now + timedelta(minutes=minutes) + SETTLE)
    start = None if begun is None else now + timedelta(minutes=begun)
    verdict = arrivals.judge(version, Runs(False, False, start), "wait")
    arrivals.accept(version)
    return verdict


def test_an_earlier_version_is_new_again_and_a_part_that_went_and_came_back_is_not() -> None:
    arrivals = Arrivals(None, SETTLE)
    assert judged(arrivals, {"a": "1", "b": "1"}, 0) == "known"
    assert judged(arrivals, {"a": "2", "b": "1"}, 30) == "start"
    assert judged(arrivals, {"a": "1", "b": "1"}, 60) == "start"
    assert judged(arrivals, {"a": "1"}, 90) == "known"
    assert judged(arrivals, {"a": "1", "b": "1"}, 120) == "known"


def test_a_run_takes_only_what_was_there_when_it_began() -> None:
    arrivals = Arrivals({"a": "0"}, SETTLE)
    assert judged(arrivals, {"a": "1"}, 30, begun=29) == "start"
    assert judged(arrivals, {"a": "2"}, 60, begun=61) == "taken"


def test_data_that_cannot_be_looked_at_are_not_due() -> None:
    arrivals = Arrivals({"a": "0"}, SETTLE)
    now = datetime(YEAR, 1, 1, tzinfo=UTC)
    assert not arrivals.is_due(None, now)
    assert not arrivals.is_due(None, now + HOUR)
