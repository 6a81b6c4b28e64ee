"""A simulated year of a nightly schedule: exactly the runs that its settings promise."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from calendars import BERLIN, YEAR, planned
from plait.running.missed import Due, Overlap, superfluous, why

SPRING, AUTUMN = date(YEAR, 3, 29), date(YEAR, 10, 25)
HOUR = timedelta(hours=1)


def year(
    times: list[datetime],
    overlap: Overlap,
    is_up: Callable[[datetime], bool] = lambda _: True,
    lasts: Callable[[datetime], timedelta] = lambda _: HOUR,
) -> Iterator[tuple[datetime, datetime]]:
    """(planned, begun) of each run, with a clock that steps by ten minutes."""
    waiting = [Due(time, UUID(int=number)) for number, time in enumerate(times)]
    free = now = times[0]
    while waiting and now < times[-1] + timedelta(days=2):
        now += timedelta(minutes=10)
        if not is_up(now):
            free = now  # what was going on has crashed
            continue
        due = [each for each in waiting if each.time <= now]
        for left_out in superfluous(due, now < free, overlap):
            waiting.remove(left_out)
            due.remove(left_out)
        if due and now >= free:
            waiting.remove(due[0])
            free = now + lasts(now)
            yield due[0].time, now


def test_every_night_has_one_run_on_the_days_of_the_clock_change_too() -> None:
    runs = list(year(planned(), "wait"))
    nights = [begun.astimezone(BERLIN).date() for _, begun in runs]
    assert len(runs) == len(set(nights)) == 365
    assert {SPRING, AUTUMN} <= set(nights)
    assert all(begun - time <= timedelta(minutes=10) for time, begun in runs)


def test_nine_days_of_downtime_are_caught_up_once() -> None:
    down = datetime(YEAR, 6, 10, 12, tzinfo=UTC)
    back = down + timedelta(days=9)
    runs = list(year(planned(), "wait", lambda now: not down <= now < back))
    assert len(runs) == 365 - 9 + 1
    (late,) = [(time, begun) for time, begun in runs if begun - time > HOUR]
    assert late[1] == back
    assert late[0].astimezone(BERLIN).date() == date(YEAR, 6, 19)


@pytest.mark.parametrize(("overlap", "count"), [("wait", 365), ("skip", 345)])
def test_a_run_that_lasts_into_the_next_one(overlap: Overlap, count: int) -> None:
    long = {date(YEAR, 2, 1) + timedelta(days=14 * number) for number in range(20)}

    def lasts(now: datetime) -> timedelta:
        return timedelta(hours=30) if now.astimezone(BERLIN).date() in long else HOUR

    runs = list(year(planned(), overlap, lasts=lasts))
    assert len(runs) == count
    late = [begun for time, begun in runs if begun - time > HOUR]
    assert len(late) == (20 if overlap == "wait" else 0)
    ends = [begun + lasts(begun) for _, begun in runs]
    assert all(end <= begun for end, (_, begun) in zip(ends, runs[1:], strict=False))


def test_runs_that_pile_up_behind_a_long_one_are_one() -> None:
    times = planned("0 * * * *")[:48]
    runs = list(year(times, "wait", lasts=lambda _: timedelta(hours=10)))
    assert [time for time, _ in runs] == [times[0], *times[10:48:10], times[47]]


def test_what_the_page_says() -> None:
    night = Due(datetime(YEAR, 6, 10, 2, 30, tzinfo=UTC), UUID(int=1))
    assert why(night, running=True, overlap="skip") == (
        "The run planned for 2026-06-10 02:30 UTC is left out: another one was going on "
        "(--overlap skip)"
    )
    assert why(night, running=False, overlap="skip").endswith("a later one is due, too")
