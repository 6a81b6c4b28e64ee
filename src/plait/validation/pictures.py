"""Bar charts of the validation page: geometry only, in units of an SVG view box 360 wide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 360
NAMES = 130
LINE = 16
LABELS = 24
"""Most labels in a chart; of more labels it shows the most frequent and the rarest."""


@dataclass(frozen=True)
class Bar:
    """A horizontal bar with its name on the left and its number on the right."""

    y: int
    name: str
    width: float
    number: str
    style: str = "first"


@dataclass(frozen=True)
class Picture:
    """A chart of bars, one below the other; `height` is that of the view box."""

    bars: tuple[Bar, ...]
    height: int
    note: str = ""


def support_picture(rows: Sequence[Mapping[str, Any]]) -> Picture:
    """Train rows of each label, the most frequent first."""
    ordered = sorted(rows, key=lambda row: (-row["train"], row["name"]))
    half = LABELS // 2
    shown = ordered if len(ordered) <= LABELS else [*ordered[:half], *ordered[-half:]]
    most = max((row["train"] for row in ordered), default=0)
    bars = [
        Bar(i * LINE, row["name"], _width(row["train"], most), f"{row['train']:,}")
        for i, row in enumerate(shown)
    ]
    left = len(ordered) - len(shown)
    note = f"the {half} most frequent and the {half} rarest; {left} between them" if left else ""
    return Picture(tuple(bars), len(shown) * LINE, note)


def length_picture(classes: Sequence[Mapping[str, int]]) -> Picture:
    """Share of train and of dev texts in each class of length, one below the other."""
    totals = {split: sum(c[split] for c in classes) for split in ("train", "dev")}
    shares = [
        (c["least"], split, c[split] / max(1, totals[split]))
        for c in classes
        for split in ("train", "dev")
    ]
    most = max((share for _, _, share in shares), default=0)
    bars = [
        Bar(
            i * LINE,
            f"{least:,}–{2 * least - 1:,}" if split == "train" else "",
            _width(share, most),
            f"{share:.1%}",
            "first" if split == "train" else "second",
        )
        for i, (least, split, share) in enumerate(shares)
    ]
    return Picture(tuple(bars), len(bars) * LINE)


def _width(value: float, most: float) -> float:
    """Width of a bar; the longest leaves room for its number."""
    return round((WIDTH - NAMES - 60) * value / most, 1) if most else 0.0
