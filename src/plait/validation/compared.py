"""Prepared datasets → what is compared between their rows, across splits and datasets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from plait.leakage.leaks import Together, trained_sides
from plait.leakage.matches import Flags, Matches, Side, Text, match
from plait.leakage.shingles import normal, shingles, unpacked, words
from plait.progress import Progress
from plait.tasks import SPLITS, Split
from plait.validation.fingerprints import fingerprint
from plait.validation.prepared import Line, Prepared
from plait.validation.textfacts import Facts, facts
from plait.validation.unusual import Lines, WordSets, common_lines, common_words, word_set

_SHOWN = 1000


@dataclass(frozen=True)
class Compared:
    """`matches` of all texts; by side the facts of each text, and of train and dev its words;
    by dataset the words and the lines that many of its training texts share.
    """

    matches: Matches
    together: Together
    facts: Mapping[tuple[str, str], Sequence[Facts | None]]
    words: Mapping[tuple[str, str], WordSets]
    common: Mapping[str, frozenset[str]]
    lines: Mapping[str, Lines]


def compare(
    datasets: Iterable[Prepared], threshold: float, short_words: int, together: Together
) -> Compared:
    """Compare the texts of all datasets; `together` says which of them are trained together."""
    texts: dict[Side, list[Text]] = {}
    found: dict[tuple[str, str], list[Facts | None]] = {}
    sets: dict[tuple[str, str], WordSets] = {}
    lines: dict[str, Lines] = {}
    for data in datasets:
        for split, rows in data.rows():
            with Progress(len(rows), f"{data.name}, {split}", "row") as bar:
                judged = [_judged(line, short_words) for line in _counted(rows, bar)]
            texts[data.name, split] = [text for text, _, _ in judged]
            found[data.name, split] = [of_text for _, of_text, _ in judged]
            sets[data.name, split] = [words for _, _, words in judged]
        texts[data.name, "heldout"] = [_hidden(value) for value in data.heldout]
        found[data.name, "heldout"] = [Facts(**value["facts"]) for value in data.heldout]
        lines[data.name] = common_lines(line.text for line in data.train)
    common = {
        name: common_words(words) for (name, split), words in sets.items() if split == "train"
    }
    return Compared(match(texts, threshold), together, found, sets, common, lines)


def _counted(rows: Sequence[Line], bar: Progress) -> Iterator[Line]:
    for count, line in enumerate(rows, 1):
        if count % _SHOWN == 0:
            bar.update(_SHOWN)
        yield line


def _judged(line: Line, short_words: int) -> tuple[Text, Facts | None, frozenset[str] | None]:
    """A line's text as it is compared, its facts and its words; the words are found once."""
    if line.text is None:
        return Text(line.name, None, None, None), None, None
    found = words(line.text)
    text = Text(
        line.name,
        fingerprint(line.text) if line.text.strip() else None,
        normal(found) if found else None,
        shingles(found) if len(found) >= short_words else None,
    )
    return text, facts(line.text, found), word_set(found)


def _hidden(value: Mapping[str, Any]) -> Text:
    packed = value["shingles"]
    empty = value["facts"]["empty"]
    return Text(
        value["id"],
        None if empty else value["fingerprint"],
        value["normal"],
        None if packed is None else unpacked(packed),
    )


def match_columns(compared: Compared, dataset: str, split: Split) -> dict[str, Flags]:
    """Columns of the table of a split that say where its texts are found besides."""
    matches = compared.matches
    side: Side = (dataset, split)
    columns = {"repeats": matches.repeats(side), "near_repeats": matches.near_repeats(side)}
    for other in SPLITS:
        if other != split:
            columns[f"in_{other}"] = matches.equal_in(side, [(dataset, other)])
            columns[f"near_{other}"] = matches.near_in(side, [(dataset, other)])
    trained = trained_sides(dataset, compared.together, matches)
    others = [other for other in trained if other[0] != dataset]
    columns["elsewhere"] = _alike_in(matches, side, others)
    if split != "heldout":
        columns["copied"] = _alike_in(matches, side, [(dataset, "heldout")])
    return columns


def _alike_in(matches: Matches, side: Side, others: Sequence[Side]) -> Flags:
    return matches.equal_in(side, others) | matches.near_in(side, others)


def label_conflicts(
    compared: Compared, dataset: str, labels: "pd.Series[Any]"
) -> tuple["pd.Series[int]", Flags]:
    """For each row of train, then dev: how many labels its text has (0: no text or no label), and
    whether a text alike has another label though equal ones agree.
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
    """For each group the least and the greatest label among its rows and those alike."""
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
