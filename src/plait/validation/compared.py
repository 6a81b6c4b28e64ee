"""Prepared datasets → what their texts have in common, across splits and datasets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plait.leakage.leaks import MixtureDatasets, training_splits
from plait.leakage.matches import NO_ROW, DatasetSplit, Flags, Matches, Text, match
from plait.leakage.shingles import shingles_of_long, unpacked, words, words_digest
from plait.segmentation import is_blank
from plait.tasks import SPLITS, Split
from plait.validation.columns import Columns
from plait.validation.fingerprints import fingerprint
from plait.validation.prepared import PreparedDataset, PreparedLine
from plait.validation.textfacts import text_facts


@dataclass(frozen=True)
class TextComparison:
    """What is known of all texts, taken together.

    Attributes:
        columns: (dataset, split) → what is kept of its rows.
    """

    matches: Matches
    mixtures: MixtureDatasets
    columns: Mapping[DatasetSplit, Columns]


def compare_texts(
    datasets: Iterable[PreparedDataset],
    threshold: float,
    short_words: int,
    mixtures: MixtureDatasets,
) -> TextComparison:
    """Read all rows once, and compare their texts.

    Args:
        threshold: the least Jaccard similarity of two similar long texts.
        short_words: a text with fewer words is short.

    Raises:
        PlaitError: a prepared file is missing or is not JSONL; names file and line.
    """
    reading = _Reading(short_words)
    texts = {
        (data.name, split): reading.texts(data, split) for data in datasets for split in SPLITS
    }
    return TextComparison(match(texts, threshold), mixtures, reading.columns)


class _Reading:
    """Reads splits one after the other; fills their columns as their texts are taken."""

    def __init__(self, short_words: int) -> None:
        self._short_words = short_words
        self.columns: dict[DatasetSplit, Columns] = {}

    def texts(self, data: PreparedDataset, split: Split) -> Iterator[Text]:
        start = sum(columns.count for columns in self.columns.values())
        columns = self.columns[data.name, split] = Columns(split, start, data.tasks)
        if split == "heldout":
            for value in data.heldout:
                columns.add_heldout(value)
                yield _hidden(value)
            return
        for line in data.train if split == "train" else data.dev:
            # The text is tokenised once.
            found = [] if line.text is None else words(line.text)
            facts = None if line.text is None else text_facts(line.text, found)
            columns.add(line, facts, found)
            yield _text(line, found, self._short_words)


def _text(line: PreparedLine, found: list[str], short_words: int) -> Text:
    """A line's text as it is compared; `found` are its words."""
    if line.text is None:
        return Text(line.name, None, None, None)
    return Text(
        line.name,
        None if is_blank(line.text) else fingerprint(line.text),
        words_digest(found) if found else None,
        shingles_of_long(found, short_words),
    )


def _hidden(value: Mapping[str, Any]) -> Text:
    packed = value["shingles"]
    empty = value["facts"]["empty"]
    return Text(
        value["id"],
        None if empty else value["fingerprint"],
        value["normal"],
        None if packed is None else unpacked(packed),
    )


def match_columns(compared: TextComparison, dataset: str, split: Split) -> dict[str, Flags]:
    """Columns of a split's table that say where else its texts occur."""
    matches = compared.matches
    key: DatasetSplit = (dataset, split)
    columns = {
        "repeats": matches.repeats(key),
        "near_repeats": matches.near_repeats(key),
    }
    for other in SPLITS:
        if other != split:
            columns[f"in_{other}"] = matches.equal_in(key, [(dataset, other)])
            columns[f"near_{other}"] = matches.near_in(key, [(dataset, other)])
    trained = training_splits(dataset, compared.mixtures, matches)
    others = [other for other in trained if other[0] != dataset]
    columns["elsewhere"] = _similar_in(matches, key, others)
    if split != "heldout":
        columns["copied_from_heldout"] = _similar_in(matches, key, [(dataset, "heldout")])
    return columns


def _similar_in(matches: Matches, key: DatasetSplit, others: Sequence[DatasetSplit]) -> Flags:
    return matches.equal_in(key, others) | matches.near_in(key, others)


def label_conflicts(
    compared: TextComparison, dataset: str, labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Flags]:
    """Label conflicts of each row, train before dev.

    Args:
        labels: (rows,): a number for each distinct label, -1 for none.

    Returns:
        How many labels the equal texts of the row have (0 if the row has no text or no label), and
        whether a similar text has another label although all equal ones agree.
    """
    matches = compared.matches
    train, dev = matches.rows((dataset, "train")), matches.rows((dataset, "dev"))
    rows = np.r_[train, dev]
    equal = matches.equal[rows].min(axis=1)
    known = (equal < NO_ROW) & (labels >= 0)
    counts = np.zeros(len(rows), np.int64)
    counts[known] = pd.Series(labels[known]).groupby(equal[known]).transform("nunique")
    least, most = _label_range(matches, rows[known], labels[known])
    groups = matches.groups[rows]
    near = known & (groups >= 0)
    near[near] = least[groups[near]] < most[groups[near]]
    return counts, near & (counts == 1)


def _label_range(matches: Matches, rows: Any, codes: Any) -> tuple[Any, Any]:
    """(groups,) twice: the least and the greatest label code in the group and in similar groups."""
    size = int(matches.groups.max(initial=-1)) + 1
    groups = matches.groups[rows]
    least, most = np.full(size, np.iinfo(np.int64).max), np.full(size, -1)
    np.minimum.at(least, groups[groups >= 0], codes[groups >= 0])
    np.maximum.at(most, groups[groups >= 0], codes[groups >= 0])
    near_least, near_most = least.copy(), most.copy()
    for first, second in matches.pairs_in_parts():
        for one, other in ((first, second), (second, first)):
            np.minimum.at(near_least, one, least[other])
            np.maximum.at(near_most, one, most[other])
    return near_least, near_most
