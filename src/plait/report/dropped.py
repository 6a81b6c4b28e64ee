"""Rows of train and dev that the validation's quarantine has dropped, by dataset."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plait.validation.leak_rules import LEAK_RULES


@dataclass(frozen=True)
class DroppedLine:
    """Rows of a dataset's split that were dropped, and those that are left.

    `copies` have a text that a later split also holds, or nearly; `others` broke other rules only.
    """

    dataset: str
    split: str
    copies: int
    others: int
    left: int


def dropped(datasets: Mapping[str, Any]) -> list[DroppedLine]:
    """A line for each split of which rows were dropped.

    Args:
        datasets: `datasets` of `validation/report.json`.
    """
    lines = []
    for name, figures in datasets.items():
        for split in ("train", "dev"):
            rows = [row for row in figures["quarantine"] if row["split"] == split]
            copies = sum(not LEAK_RULES.isdisjoint(row["reasons"]) for row in rows)
            if rows:
                left = figures["rows"][split]
                lines.append(DroppedLine(name, split, copies, len(rows) - copies, left))
    return lines
