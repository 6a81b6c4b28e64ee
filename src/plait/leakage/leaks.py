"""Held-out rows whose text also occurs in the training rows: a leak flatters the scores."""

from collections.abc import Collection, Mapping
from typing import Any

from plait.leakage.matches import DatasetSplit, Matches

MixtureDatasets = Collection[Collection[str]]
"""For each mixture, the datasets that it draws training rows from."""


def trained_with(dataset: str, mixtures: MixtureDatasets) -> list[str]:
    """The dataset and all datasets that share a mixture with it, sorted."""
    return sorted({dataset}.union(*(each for each in mixtures if dataset in each)))


def training_splits(
    dataset: str, mixtures: MixtureDatasets, matches: Matches
) -> list[DatasetSplit]:
    """Train and dev of the dataset and of all datasets that share a mixture with it."""
    datasets = trained_with(dataset, mixtures)
    return [
        (name, split) for name, split in matches.splits if name in datasets and split != "heldout"
    ]


def leaks(matches: Matches, mixtures: MixtureDatasets) -> Mapping[str, Any]:
    """`{DATASET: {"exact": [held-out id, …], "near": [held-out id, …]}}`, sorted.

    `exact`: an equal text occurs in train or dev of the dataset, or of a dataset that shares a
    mixture with it. `near`: a similar text occurs there, and no equal one. A row is in at most one
    of the lists.
    """
    leaked = {}
    for name, split in matches.splits:
        if split == "heldout":
            heldout: DatasetSplit = (name, split)
            others = training_splits(name, mixtures, matches)
            start = matches.rows(heldout).start
            flags = {
                "exact": matches.equal_in(heldout, others),
                "near": matches.near_in(heldout, others),
            }
            leaked[name] = {
                key: sorted(matches.names[start + int(row)] for row in flag.nonzero()[0])
                for key, flag in flags.items()
            }
    return leaked
