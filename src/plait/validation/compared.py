"""Prepared datasets → what their texts have in common, across splits and datasets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from plait.leakage.leaks import MixtureDatasets, training_splits
from plait.leakage.matches import DatasetSplit, Flags, Matches, Text, match
from plait.leakage.shingles import shingles_of_long, unpacked, words, words_digest
from plait.progress import Progress
from plait.segmentation import is_blank
from plait.tasks import SPLITS, Split
from plait.validation.fingerprints import fingerprint
from plait.validation.prepared import PreparedDataset, PreparedLine
from plait.validation.textfacts import TextFacts, text_facts
from plait.validation.unusual import Lines, WordSets, common_lines, common_words, word_set

_ROWS_PER_UPDATE = 1000


@dataclass(frozen=True)
class TextComparison:
    """What is known of all texts, taken together.

    Attributes:
        facts: (dataset, split) → the facts of each text.
        words: (dataset, train or dev) → the distinct words of each text.
        common: dataset → words that many of its training texts share.
        lines: dataset → lines that many of its training texts share.
    """

    matches: Matches
    mixtures: MixtureDatasets
    facts: Mapping[tuple[str, str], Sequence[TextFacts | None]]
    words: Mapping[tuple[str, str], WordSets]
    common: Mapping[str, frozenset[str]]
    lines: Mapping[str, Lines]


def compare_texts(
    datasets: Iterable[PreparedDataset],
    threshold: float,
    short_words: int,
    mixtures: MixtureDatasets,
) -> TextComparison:
    """Compare the texts of all datasets.

    Args:
        threshold: the least Jaccard similarity of two similar long texts.
        short_words: a text with fewer words is short.
    """
    texts: dict[DatasetSplit, list[Text]] = {}
    facts: dict[tuple[str, str], list[TextFacts | None]] = {}
    sets: dict[tuple[str, str], WordSets] = {}
    lines: dict[str, Lines] = {}
    for data in datasets:
        for split, rows in data.readable_splits():
            with Progress(len(rows), f"{data.name}, {split}", "row") as bar:
                read = [_read(line, short_words) for line in _counted(rows, bar)]
            texts[data.name, split] = [text for text, _, _ in read]
            facts[data.name, split] = [of_text for _, of_text, _ in read]
            sets[data.name, split] = [words for _, _, words in read]
        texts[data.name, "heldout"] = [_hidden(value) for value in data.heldout]
        facts[data.name, "heldout"] = [TextFacts(**value["facts"]) for value in data.heldout]
        lines[data.name] = common_lines(line.text for line in data.train)
    common = {
        name: common_words(words) for (name, split), words in sets.items() if split == "train"
    }
    return TextComparison(match(texts, threshold), mixtures, facts, sets, common, lines)


def _counted(rows: Sequence[PreparedLine], bar: Progress) -> Iterator[PreparedLine]:
    for count, line in enumerate(rows, 1):
        if count % _ROWS_PER_UPDATE == 0:
            bar.update(_ROWS_PER_UPDATE)
        yield line


def _read(
    line: PreparedLine, short_words: int
) -> tuple[Text, TextFacts | None, frozenset[str] | None]:
    """A line's text as it is compared, its facts and its words; the text is tokenised once."""
    if line.text is None:
        return Text(line.name, None, None, None), None, None
    found = words(line.text)
    text = Text(
        line.name,
        None if is_blank(line.text) else fingerprint(line.text),
        words_digest(found) if found else None,
        shingles_of_long(found, short_words),
    )
    return text, text_facts(line.text, found), word_set(found)


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
    compared: TextComparison, dataset: str, labels: "pd.Series[Any]"
) -> tuple["pd.Series[int]", Flags]:
    """Label conflicts of each row, train before dev; `labels` are the rows' labels in that order.

    Returns:
        How many labels the equal texts of the row have (0 if the row has no text or no label), and
        whether a similar text has another label although all equal ones agree.
    """
    matches = compared.matches
    train, dev = matches.rows((dataset, "train")), matches.rows((dataset, "dev"))
    rows = np.r_[train, dev]
    equal = matches.equal[rows].min(axis=1)
    known = (equal < np.iinfo(np.int64).max) & labels.notna().to_numpy()
    counts = labels[known].groupby(equal[known]).transform("nunique")
    codes = pd.factorize(labels)[0]
    least, most = _label_range(matches, rows[known], codes[known])
    groups = matches.groups[rows]
    near = known & (groups >= 0)
    near[near] = least[groups[near]] < most[groups[near]]
    whole = counts.reindex(labels.index, fill_value=0).astype(int)
    return whole, near & (whole.to_numpy() == 1)


def _label_range(matches: Matches, rows: Any, codes: Any) -> tuple[Any, Any]:
    """(groups,) twice: the least and the greatest label code in the group and in similar groups."""
    size = int(matches.groups.max(initial=-1)) + 1
    groups = matches.groups[rows]
    least, most = np.full(size, np.iinfo(np.int64).max), np.full(size, -1)
    np.minimum.at(least, groups[groups >= 0], codes[groups >= 0])
    np.maximum.at(most, groups[groups >= 0], codes[groups >= 0])
    near_least, near_most = least.copy(), most.copy()
    for one, other in (
        (matches.pairs.first, matches.pairs.second),
        (matches.pairs.second, matches.pairs.first),
    ):
        np.minimum.at(near_least, one, least[other])
        np.maximum.at(near_most, one, most[other])
    return near_least, near_most
