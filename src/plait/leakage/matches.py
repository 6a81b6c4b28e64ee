"""Equal and similar texts: within a split, across splits and across datasets."""

import hashlib
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from plait.leakage.near import near_pairs_in_parts, packed_pairs, unpacked_pairs
from plait.leakage.shingles import Shingles
from plait.leakage.spilled import Names, Selected, Spilled
from plait.tasks import Split

NO_ROW = np.iinfo(np.int32).max
"""Stands for the number of a row that does not exist."""
DatasetSplit = tuple[str, Split]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]
Rows = NDArray[np.int32]
"""Numbers of texts or of groups of them."""
NOTHING = 0
"""Stands for the key of a text that has nothing to compare."""


@dataclass(frozen=True)
class Text:
    """The parts of a row's text that are compared.

    `fingerprint` ignores white space, `words_digest` also case and punctuation; each is None for a
    text that has nothing to compare. `shingles` are None for a short text, which is similar only
    to texts with the same words in the same order.
    """

    name: str
    fingerprint: str | None
    words_digest: str | None
    shingles: Shingles | None


@dataclass(frozen=True)
class Matches:
    """The equal and the similar texts of each text. Texts are numbered split after split.

    Two texts are *equal* if they have the same fingerprint. They are *similar* if they are equal,
    if their words are the same in the same order, or (long texts) if the Jaccard similarity of
    their shingles reaches the threshold. *Near-duplicates* are similar and not equal.

    Attributes:
        starts: (splits + 1,): the number of the first text of each split.
        groups: (texts,): texts with the same words share a number; -1 for a text without words.
        pairs: pairs of similar groups, in arrays of some millions (see `pairs_in_parts`).
        equal, similar: (texts, splits): the first text of the split that is equal (similar) to this
            text, which may be this text itself; `NO_ROW` if there is none.
    """

    splits: tuple[DatasetSplit, ...]
    starts: Indices
    names: Names
    groups: Rows
    pairs: Spilled
    equal: Rows
    similar: Rows

    def rows(self, split: DatasetSplit) -> slice:
        """The numbers of the texts of a split."""
        number = self.splits.index(split)
        return slice(int(self.starts[number]), int(self.starts[number + 1]))

    def equal_in(self, split: DatasetSplit, others: Collection[DatasetSplit]) -> Flags:
        """For each text of `split`: whether one of the other splits holds an equal text."""
        return self._occurs_in(self.equal, split, others)

    def near_in(self, split: DatasetSplit, others: Collection[DatasetSplit]) -> Flags:
        """For each text of `split`: whether the others hold a near-duplicate and no equal text."""
        return self._occurs_in(self.similar, split, others) & ~self.equal_in(split, others)

    def repeats(self, split: DatasetSplit) -> Flags:
        """For each text of `split`: whether an earlier text of the split is equal."""
        return self._earlier(self.equal, split)

    def near_repeats(self, split: DatasetSplit) -> Flags:
        """For each text of `split`: whether an earlier text is a near-duplicate, none equal."""
        return self._earlier(self.similar, split) & ~self.repeats(split)

    def clusters(self) -> list[Indices]:
        """Clusters of texts that are similar, directly or through others; the largest first.

        Each cluster is an array of at least two text numbers.
        """
        size = int(self.groups.max(initial=-1)) + 1
        component = np.arange(size)
        for first, second in self.pairs_in_parts():
            edges = np.ones(len(first)), (component[first], component[second])
            _, joined = connected_components(coo_matrix(edges, (size, size)), directed=False)
            component = joined[component]
        usable = np.flatnonzero(self.groups >= 0)
        of = component[self.groups[usable]] if size else np.empty(0, np.int64)
        shared = np.bincount(of)[of] > 1
        usable, of = usable[shared], of[shared]
        order = np.argsort(of, kind="stable")
        parts = np.split(usable[order], np.flatnonzero(np.diff(of[order])) + 1)
        return sorted(filter(len, parts), key=lambda part: (-len(part), int(part[0])))

    def pairs_in_parts(self) -> Iterator[tuple[Indices, Indices]]:
        """The pairs of similar groups, (pairs,) twice, some millions at a time."""
        return map(unpacked_pairs, self.pairs)

    def split_of(self, text: int) -> DatasetSplit:
        """The split that a text belongs to, by the text's number."""
        return self.splits[int(np.searchsorted(self.starts, text, side="right")) - 1]

    def _occurs_in(
        self, first: Rows, split: DatasetSplit, others: Collection[DatasetSplit]
    ) -> Flags:
        columns = [self.splits.index(other) for other in others]
        return np.asarray((first[self.rows(split)][:, columns] != NO_ROW).any(axis=1))

    def _earlier(self, first: Rows, split: DatasetSplit) -> Flags:
        rows = self.rows(split)
        own = first[rows, self.splits.index(split)]
        return np.asarray((own != NO_ROW) & (own < np.arange(rows.start, rows.stop)))


def match(texts: Mapping[DatasetSplit, Iterable[Text]], threshold: float) -> Matches:
    """Compare all texts with one another; each is taken once, and only hashes of it are kept.

    The cost grows about linearly with the number of texts.

    Args:
        threshold: the least Jaccard similarity (0–1) of the shingles of two similar texts.
    """
    keys = _keys(texts)
    starts = np.concatenate([[0], np.cumsum(keys.counts)])
    split_numbers = np.repeat(np.arange(len(texts), dtype=np.int32), keys.counts)
    groups, first_texts = grouped(np.array(keys.words))
    similar = first_in_splits(groups, split_numbers, len(texts))
    nearest, pairs = similar.copy(), Spilled(np.uint64)
    for part in near_pairs_in_parts(Selected(keys.shingles, first_texts), threshold):
        np.minimum.at(nearest, part.first, similar[part.second])
        np.minimum.at(nearest, part.second, similar[part.first])
        pairs.append(packed_pairs(part.first, part.second))
    equal_groups, _ = grouped(np.array(keys.fingerprints))
    equal = _of_each(first_in_splits(equal_groups, split_numbers, len(texts)), equal_groups)
    nearest = _of_each(nearest, groups)
    np.minimum(nearest, equal, out=nearest)
    return Matches(tuple(texts), starts, keys.names, groups, pairs, equal, nearest)


@dataclass(frozen=True)
class _Keys:
    """What is kept of the texts: names, 64-bit hashes, the texts of each split, and shingles."""

    names: Names
    fingerprints: "array[int]"
    words: "array[int]"
    shingles: Spilled
    counts: list[int]


def _keys(texts: Mapping[DatasetSplit, Iterable[Text]]) -> _Keys:
    keys = _Keys(Names(), array("Q"), array("Q"), Spilled(np.uint32), [])
    for split in texts.values():
        before = len(keys.names)
        for text in split:
            keys.names.append(text.name)
            keys.fingerprints.append(key(text.fingerprint))
            keys.words.append(key(text.words_digest))
            keys.shingles.append(_NO_SHINGLES if text.shingles is None else text.shingles)
        keys.counts.append(len(keys.names) - before)
    return keys


_NO_SHINGLES: Shingles = np.empty(0, np.uint32)


def key(value: str | None) -> int:
    """64 bits that stand for a string, `NOTHING` for None."""
    if value is None:
        return NOTHING
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1


def grouped(keys: NDArray[np.uint64]) -> tuple[Rows, Rows]:
    """A number for each distinct key in the order of their first texts (-1 for `NOTHING`), and
    the first text of each.
    """
    usable = np.flatnonzero(keys != NOTHING).astype(np.int32)
    _, first, inverse = np.unique(keys[usable], return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int32)
    number[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    groups = np.full(len(keys), -1, np.int32)
    groups[usable] = number[inverse]
    return groups, usable[np.sort(first)]


def first_in_splits(groups: Rows, split_numbers: Rows, splits: int) -> Rows:
    """(groups, splits): the first text of each group in each split."""
    found = np.full((int(groups.max(initial=-1)) + 1, splits), NO_ROW, np.int32)
    usable = np.flatnonzero(groups >= 0).astype(np.int32)
    np.minimum.at(found, (groups[usable], split_numbers[usable]), usable)
    return found


def _of_each(first: Rows, groups: Rows) -> Rows:
    """(texts, splits): the row of each text's group."""
    with_none = np.concatenate([first, np.full((1, first.shape[1]), NO_ROW, np.int32)])
    return np.asarray(with_none[groups])
