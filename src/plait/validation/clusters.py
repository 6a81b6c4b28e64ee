"""Texts that are alike, side by side, as examples for the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plait.leakage.matches import Matches

CLUSTERS = 12
"""Clusters shown: those with a known text first, of those the ones across splits or datasets, of
those the largest.
"""
MEMBERS = 3
"""Texts of a cluster shown, of different splits and datasets first."""
CHARACTERS = 400


@dataclass(frozen=True)
class Clusters:
    """How many clusters have a row of the dataset, their rows in all, and examples:
    `{"rows": count, "members": [{"dataset", "split", "id", "text"}, …]}`, `text` None where it is
    not known (held-out rows).
    """

    count: int
    rows: int
    examples: Sequence[Mapping[str, Any]]


def clusters(
    dataset: str, matches: Matches, texts: Mapping[str, Mapping[str, str | None]]
) -> Clusters:
    """The clusters with a row of `dataset`; `texts` are the known ones, by dataset and row."""
    own = {place for place, side in enumerate(matches.sides) if side[0] == dataset}
    found = []
    for cluster in matches.clusters():
        places = (matches.starts.searchsorted(cluster, side="right") - 1).tolist()
        if own.intersection(places):
            hidden = all(matches.sides[place][1] == "heldout" for place in places)
            found.append((hidden, len(set(places)) == 1, cluster, places))
    found.sort(key=lambda each: (*each[:2], -len(each[2]), int(each[2][0])))
    return Clusters(
        len(found),
        sum(len(cluster) for _, _, cluster, _ in found),
        [_example(cluster, places, matches, texts) for _, _, cluster, places in found[:CLUSTERS]],
    )


def _example(cluster: Any, places: list[int], matches: Matches, texts: Any) -> dict[str, Any]:
    first_of_side = {place: index for index, place in reversed(list(enumerate(places)))}
    chosen = [*sorted(first_of_side.values()), *range(len(cluster))]
    members = [
        _member(int(cluster[index]), matches, texts)
        for index in list(dict.fromkeys(chosen))[:MEMBERS]
    ]
    return {"rows": len(cluster), "members": members}


def _member(index: int, matches: Matches, texts: Any) -> dict[str, Any]:
    dataset, split = matches.side_of(index)
    name = matches.names[index]
    text = None if split == "heldout" else shortened(texts[dataset][name] or "")
    return {"dataset": dataset, "split": split, "id": name, "text": text}


def shortened(text: str) -> str:
    """As much of a text as a page shows."""
    shown = text[:CHARACTERS] + ("…" if len(text) > CHARACTERS else "")
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")
