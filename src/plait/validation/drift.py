"""How far the labels and lengths of a split are from those of train, beyond what chance does."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Profile:
    """What a version of a dataset is compared by: train rows of each label, by task, and train
    texts of each length class (a power of two of characters).
    """

    labels: Mapping[str, Counts]
    lengths: Counts

    def as_json(self) -> dict[str, Any]:
        """As accepted.json holds it."""
        return asdict(self)


def excess(left: Counts, right: Counts) -> float:
    """Total variation distance of two samples, less what two of that many rows from one source are
    expected to have: the share of rows (0–1) that would have to change, beyond chance.
    """
    n, m = sum(left.values()), sum(right.values())
    keys = sorted({*left, *right})
    if not n or not m:
        return 0.0
    a, b = (np.array([counts.get(key, 0) for key in keys], float) for counts in (left, right))
    pooled = (a + b) / (n + m)
    noise = np.sqrt(2 / np.pi * pooled * (1 - pooled) * (1 / n + 1 / m)).sum() / 2
    return round(max(0.0, float(np.abs(a / n - b / m).sum() / 2 - noise)), 6)


def length_classes(characters: Iterable[int]) -> dict[str, int]:
    """Texts per power of two of their length; an empty text counts as one character."""
    return dict(Counter(str(max(1, int(n)).bit_length() - 1) for n in characters))


def profile(tables: Mapping[str, pd.DataFrame], tasks: Sequence[str]) -> Profile:
    """The profile of a dataset's train split."""
    return Profile(
        labels={task: _label_counts(tables, task, "train") for task in tasks},
        lengths=_lengths(tables["train"]),
    )


def drift_tables(
    tables: Mapping[str, pd.DataFrame], tasks: Sequence[str], accepted: Profile | None
) -> dict[str, pd.DataFrame]:
    """`drift/TASK` (labels) and `drift` (lengths): dev, held-out and the accepted version's train,
    each beside train.
    """
    found = {
        f"drift/{task}": _drift(
            {split: _label_counts(tables, task, split) for split in ("train", "dev", "heldout")},
            accepted.labels.get(task) if accepted else None,
        )
        for task in tasks
    }
    lengths = {split: _lengths(tables[split]) for split in ("train", "dev", "heldout")}
    found["drift"] = _drift(lengths, accepted.lengths if accepted else None)
    return found


def _drift(counts: Mapping[str, Counts], accepted: Counts | None) -> pd.DataFrame:
    sides = {"dev": counts["dev"], "held-out": counts["heldout"]}
    if accepted is not None:
        sides["the last accepted version"] = accepted
    return pd.DataFrame(
        {
            "name": list(sides),
            "drift": [excess(counts["train"], side) for side in sides.values()],
        }
    )


def _label_counts(tables: Mapping[str, pd.DataFrame], task: str, split: str) -> dict[str, int]:
    support = tables[f"support/{task}"]
    return {
        str(name): int(count)
        for name, count in zip(support["name"], support[split], strict=True)
        if count
    }


def _lengths(table: pd.DataFrame) -> dict[str, int]:
    return length_classes(table["characters"].dropna())
