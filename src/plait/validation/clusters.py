"""Clusters of similar texts, side by side, as examples for the report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from plait.leakage.matches import Matches

CLUSTERS = 12
"""Clusters shown: first those with a readable text, then those across splits or datasets, then the
largest.
"""
MEMBERS = 3
"""Texts shown of a cluster; those of different splits and datasets come first."""
CHARACTERS = 400


Texts = Mapping[str, Mapping[str, str | None]]
"""Dataset → name of a row of train or dev → its text."""


@dataclass(frozen=True)
class Clusters:
    """The clusters of similar texts that hold a row of the dataset.

    `count` is their number, `rows` the number of their rows. An example is
    `{"rows": count, "members": [{"dataset", "split", "id", "text"}, …]}`; `text` is None for a
    held-out row, and until `with_texts`.
    """

    count: int
    rows: int
    examples: Sequence[Mapping[str, Any]]

    def members(self) -> Iterator[Mapping[str, Any]]:
        """The members of all examples."""
        return (member for example in self.examples for member in example["members"])

    def with_texts(self, texts: Texts) -> "Clusters":
        """The clusters whose members have the beginnings of their texts."""
        examples = [
            {**each, "members": [_with_text(member, texts) for member in each["members"]]}
            for each in self.examples
        ]
        return replace(self, examples=examples)


def clusters(dataset: str, matches: Matches) -> Clusters:
    """The clusters with a row of `dataset`."""
    own = {number for number, (name, _) in enumerate(matches.splits) if name == dataset}
    selected = []
    for cluster in matches.clusters():
        splits = (matches.starts.searchsorted(cluster, side="right") - 1).tolist()
        if own.intersection(splits):
            hidden = all(matches.splits[number][1] == "heldout" for number in splits)
            selected.append((hidden, len(set(splits)) == 1, cluster, splits))
    selected.sort(key=lambda each: (*each[:2], -len(each[2]), int(each[2][0])))
    return Clusters(
        len(selected),
        sum(len(cluster) for _, _, cluster, _ in selected),
        [_example(cluster, splits, matches) for _, _, cluster, splits in selected[:CLUSTERS]],
    )


def _example(cluster: Any, splits: list[int], matches: Matches) -> dict[str, Any]:
    first_of_split = {number: index for index, number in reversed(list(enumerate(splits)))}
    chosen = [*sorted(first_of_split.values()), *range(len(cluster))]
    members = [
        _member(int(cluster[index]), matches) for index in list(dict.fromkeys(chosen))[:MEMBERS]
    ]
    return {"rows": len(cluster), "members": members}


def _member(index: int, matches: Matches) -> dict[str, Any]:
    dataset, split = matches.split_of(index)
    return {"dataset": dataset, "split": split, "id": matches.names[index], "text": None}


def _with_text(member: Mapping[str, Any], texts: Texts) -> Mapping[str, Any]:
    if member["split"] == "heldout":
        return member
    return {**member, "text": shortened(texts[member["dataset"]][member["id"]] or "")}


def shortened(text: str) -> str:
    """The beginning of a text, at most `CHARACTERS` long, as valid UTF-8."""
    shown = text[:CHARACTERS] + ("…" if len(text) > CHARACTERS else "")
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")
