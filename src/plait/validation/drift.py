"""Drift: how far the labels and text lengths of a split differ from train, beyond chance."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Profile:
    """The counts by which two versions of a dataset are compared.

    Attributes:
        labels: task → label → train rows.
        lengths: length class → train texts; class k holds texts of 2^k to 2^(k+1) - 1 characters.
    """

    labels: Mapping[str, Counts]
    lengths: Counts

    def as_json(self) -> dict[str, Any]:
        """As accepted.json holds it."""
        return asdict(self)


def excess_distance(left: Counts, right: Counts) -> float:
    """Total variation distance (0–1) of two samples, less its expected value for two samples of
    these sizes from one distribution; at least 0, and 0 if a sample is empty.
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
    """Texts of each length class (see `Profile`); an empty text counts as one character."""
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
    """The tables `drift/TASK` (labels) and `drift` (lengths): one row for each of dev, held-out and
    the accepted version, each compared with train.
    """
    drift = {
        f"drift/{task}": _drift(
            {split: _label_counts(tables, task, split) for split in ("train", "dev", "heldout")},
            accepted.labels.get(task) if accepted else None,
        )
        for task in tasks
    }
    lengths = {split: _lengths(tables[split]) for split in ("train", "dev", "heldout")}
    drift["drift"] = _drift(lengths, accepted.lengths if accepted else None)
    return drift


def _drift(counts: Mapping[str, Counts], accepted: Counts | None) -> pd.DataFrame:
    samples = {"dev": counts["dev"], "held-out": counts["heldout"]}
    if accepted is not None:
        samples["the last accepted version"] = accepted
    return pd.DataFrame(
        {
            "name": list(samples),
            "drift": [excess_distance(counts["train"], sample) for sample in samples.values()],
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
