"""Held-out rows that are no test, since the training rows of their mixture hold their text."""

from collections.abc import Collection, Mapping
from typing import Any

from plait.leakage.matches import Matches, Side

Together = Collection[Collection[str]]
"""Sets of datasets, each of them trained together by some candidate."""


def known_to(dataset: str, together: Together) -> list[str]:
    """The dataset and those that some candidate trains together with it, sorted."""
    return sorted({dataset}.union(*(each for each in together if dataset in each)))


def trained_sides(dataset: str, together: Together, matches: Matches) -> list[Side]:
    """Train and dev of the dataset and of all that it is trained with."""
    known = known_to(dataset, together)
    return [side for side in matches.sides if side[0] in known and side[1] != "heldout"]


def leaks(matches: Matches, together: Together) -> Mapping[str, Any]:
    """`{DATASET: {"exact": [held-out id, …], "near": [held-out id, …]}}`, sorted.

    A held-out row is in at most one of the lists; in neither, no row of train or dev of any dataset
    that is trained together with its own has a text like its text.
    """
    found = {}
    for side in matches.sides:
        if side[1] == "heldout":
            others = trained_sides(side[0], together, matches)
            names = matches.names[matches.rows(side)]
            flags = {"exact": matches.equal_in(side, others), "near": matches.near_in(side, others)}
            found[side[0]] = {
                kind: sorted(name for name, is_at in zip(names, at, strict=True) if is_at)
                for kind, at in flags.items()
            }
    return found
