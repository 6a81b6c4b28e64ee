"""Progress of long work: a bar for a person, lines for the flow that watches a stage."""

import json
import os
import sys
import time
from types import TracebackType
from typing import Any

LINES = "PLAIT_PROGRESS_LINES"
"""Environment variable: when set, progress is printed as lines that begin with `PREFIX`."""
PREFIX = "plait-progress "


class Progress:
    """Counts `done` of `total`; figures such as the loss are shown beside it.

    `done` at the beginning is what an earlier process has done: it counts for no rate.

    In lines mode each line is `PREFIX` + JSON `{"label", "done", "total", "figures"}`, at most one
    a second, and one at the end.
    """

    def __init__(
        self,
        total: float,
        label: str,
        unit: str = "it",
        scale: bool = False,
        done: float = 0.0,
    ) -> None:
        self.total, self.label, self.done = total, label, done
        self.figures: dict[str, Any] = {}
        self._last = 0.0
        self._bar: Any = None
        if not os.environ.get(LINES):
            from tqdm import tqdm

            self._bar = tqdm(
                total=total,
                initial=done,
                desc=label,
                unit=unit,
                unit_scale=scale,
                mininterval=0.5,
                disable=None if total else True,
            )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        else:
            self._print()

    def update(self, step: float = 1, **figures: Any) -> None:
        """`step` more is done; `figures` replace those shown."""
        self.done += step
        self.figures.update(figures)
        if self._bar is not None:
            self._bar.set_postfix(self.figures, refresh=False)
            self._bar.update(step)
        elif time.monotonic() - self._last > 1:
            self._print()

    def _print(self) -> None:
        self._last = time.monotonic()
        value = {
            "label": self.label,
            "done": self.done,
            "total": self.total,
            "figures": self.figures,
        }
        # One write a line: lines of several processes must not run into each other.
        sys.stderr.write(f"{PREFIX}{json.dumps(value)}\n")
        sys.stderr.flush()
