"""The rate of a stage's work, and its remaining time."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

WINDOW = 60.0
"""Seconds over which the rate is measured: a resumed run begins with a jump."""


class Pace:
    """Adds `rate` (per second) and `left` (remaining time) to the figures of `plait.progress`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.label = ""
        self.reports: deque[tuple[float, float]] = deque()

    def __call__(self, figures: Mapping[str, Any]) -> Mapping[str, Any]:
        """The figures with the pace, from the second report of the same work on."""
        if figures["label"] != self.label:
            self.label = figures["label"]
            self.reports.clear()
        now, done = self.clock(), float(figures["done"])
        self.reports.append((now, done))
        while now - self.reports[0][0] > WINDOW:
            self.reports.popleft()
        began, before = self.reports[0]
        if done <= before or now <= began:
            return figures
        rate = (done - before) / (now - began)
        left = max(0.0, float(figures["total"] or done) - done) / rate
        return {
            **figures,
            "figures": {**figures["figures"], "rate": f"{rate:.3g}/s", "left": duration(left)},
        }


def duration(seconds: float) -> str:
    """`45 s`, `12 min` or `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
