"""The history of a training: its curves, point by point.

It holds what a step computes, and no time, so a training that is run again has the same one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plait.files import atomic_folder, read_json, write_json

POINTS = 200
"""Most points of a curve: each is the mean over the steps since the one before it."""
DIGITS = 6
"""Significant digits of a value."""
Point = dict[str, float]
"""`{"step", "value"}`."""
Curves = Mapping[str, Sequence[Mapping[str, float]]]
"""Points by the name of their curve."""


@dataclass
class History:
    """Curves by name, and the sums of the steps that have no point yet.

    `loss`, `learning-rate` and `gradient-norm` are means over steps (the norm before it is
    clipped); `dev` is the score by which weights are chosen. Of several tasks each has its own
    `loss-TASK`, a mean over its steps, and `dev-TASK`.
    """

    curves: dict[str, list[Point]] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, step: int, total: int, values: Mapping[str, float]) -> None:
        """The values of a step, counted from 1, of `total` steps."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1
        if step % math.ceil(total / POINTS) == 0 or step == total:
            self.point(step, {name: self.sums[name] / self.counts[name] for name in self.sums})
            self.sums, self.counts = {}, {}

    def point(self, step: int, values: Mapping[str, float]) -> None:
        """A point on each curve."""
        for name, value in values.items():
            rounded = float(f"{value:.{DIGITS}g}")
            self.curves.setdefault(name, []).append({"step": step, "value": rounded})


def by_task(name: str, values: Mapping[str, float]) -> dict[str, float]:
    """Curves' values of each task: `{NAME-TASK: value}`, none where there is only one task."""
    return {f"{name}-{task}": value for task, value in values.items()} if len(values) > 1 else {}


def write_curves(curves: Curves, folder: Path) -> None:
    """Write a file a curve, as DVC plots them; none for what isn't trained step by step."""
    with atomic_folder(folder) as partial:
        for name, points in curves.items():
            write_json(partial / f"{name}.json", points)


def read_curves(folder: Path) -> Curves:
    """The inverse of `write_curves`; no curves where there is no folder."""
    return {path.stem: read_json(path) for path in sorted(folder.glob("*.json"))}
