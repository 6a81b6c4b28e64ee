"""How fast a stage's work goes, and how long it will still take."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

WINDOW = 60.0
"""Seconds that the rate is taken over: a run that goes on from a checkpoint begins with a jump."""


class Pace:
    """Adds `rate` (a second) and `left` to the figures that `plait.progress` printed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.label = ""
        self.seen: deque[tuple[float, float]] = deque()

    def __call__(self, figures: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same figures with the pace, as soon as there are two of the same work."""
        if figures["label"] != self.label:
            self.label = figures["label"]
            self.seen.clear()
        now, done = self.clock(), float(figures["done"])
        self.seen.append((now, done))
        while now - self.seen[0][0] > WINDOW:
            self.seen.popleft()
        began, before = self.seen[0]
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
