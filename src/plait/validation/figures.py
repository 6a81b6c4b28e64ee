"""The figures of a dataset that the validation report shows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from plait.tasks import SPLITS
from plait.validation.clusters import Clusters, Texts
from plait.validation.datasets import CheckedDataset
from plait.validation.drift import Profile, length_classes, profile

_SUPPORT = ["name", *SPLITS]


@dataclass(frozen=True)
class Figures:
    """The figures of one dataset.

    Attributes:
        rows: split → rows.
        support: task → for each label, its rows (spans) in each split.
        lengths: for each length class (`least` to `2 × least - 1` characters), its texts in each
            split.
        drift: task or `length` → split or version → drift from train.
        clusters: examples of similar texts.
        quarantine: id, split and reasons of each quarantined row.
        profile: the counts that later versions are compared with.
    """

    rows: Mapping[str, int]
    support: Mapping[str, Sequence[Mapping[str, Any]]]
    lengths: Sequence[Mapping[str, int]]
    drift: Mapping[str, Mapping[str, float]]
    clusters: Clusters
    quarantine: Sequence[Mapping[str, Any]]
    profile: Profile

    def with_texts(self, texts: Texts) -> "Figures":
        """The figures whose examples of similar texts show the beginnings of the texts."""
        return replace(self, clusters=self.clusters.with_texts(texts))


def figures(
    dataset: CheckedDataset, quarantine: Sequence[Mapping[str, Any]], clusters: Clusters
) -> Figures:
    """The figures of one dataset."""
    data, tables = dataset.data, dataset.tables
    names = [task.name for task in data.tasks]
    return Figures(
        rows={split: len(tables[split]) for split in SPLITS},
        support={name: _records(tables[f"support/{name}"][_SUPPORT]) for name in names},
        lengths=_lengths(tables),
        drift={
            **{name: _drift(tables[f"drift/{name}"]) for name in names},
            "length": _drift(tables["drift"]),
        },
        clusters=clusters,
        quarantine=[_without_text(row) for row in quarantine],
        profile=profile(tables, names),
    )


def _without_text(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: row[key] for key in ("id", "split", "reasons")}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _drift(table: pd.DataFrame) -> dict[str, float]:
    return dict(zip(table["name"], map(float, table["drift"]), strict=True))


def _lengths(tables: Mapping[str, pd.DataFrame]) -> list[dict[str, int]]:
    counts = {
        split: Counter(length_classes(tables[split]["characters"].dropna())) for split in SPLITS
    }
    powers = {int(power) for of_split in counts.values() for power in of_split}
    return [
        {"least": 1 << power, **{split: counts[split][str(power)] for split in SPLITS}}
        for power in range(min(powers, default=0), max(powers, default=-1) + 1)
    ]
