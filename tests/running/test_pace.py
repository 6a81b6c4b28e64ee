"""The rate is that of the last minute, so a jump at the start does not promise too much."""

from typing import Any

from plait.running.pace import Pace, duration


def figures(done: float, label: str = "train") -> dict[str, Any]:
    return {"label": label, "done": done, "total": 1000.0, "figures": {"loss": 0.5}}


def test_rate_and_time_left() -> None:
    now = iter([0.0, 10.0, 20.0])
    pace = Pace(lambda: next(now))
    assert pace(figures(0)) == figures(0)
    assert pace(figures(100))["figures"] == {"loss": 0.5, "rate": "10/s", "left": "2 min"}
    assert pace(figures(300))["figures"]["left"] == "47 s"


def test_a_jump_is_forgotten_after_a_minute() -> None:
    now = iter([0.0, 1.0, 31.0, 62.0])
    pace = Pace(lambda: next(now))
    for done in (0, 800, 830):
        pace(figures(done))
    assert pace(figures(861))["figures"]["rate"] == "1/s"


def test_other_work_begins_anew() -> None:
    now = iter([0.0, 5.0, 6.0])
    pace = Pace(lambda: next(now))
    pace(figures(0))
    pace(figures(500))
    assert "rate" not in pace(figures(600, "score"))["figures"]


def test_duration() -> None:
    assert [duration(s) for s in (45, 720, 12600)] == ["45 s", "12 min", "3.5 h"]
