"""Equal and similar texts: within a split, across splits and across datasets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from plait.leakage.near import Pairs, near_pairs
from plait.leakage.shingles import Shingles
from plait.tasks import Split

NO_ROW = np.iinfo(np.int64).max
"""Stands for the number of a row that does not exist."""
DatasetSplit = tuple[str, Split]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


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
        pairs: pairs of similar groups.
        equal, similar: (texts, splits): the first text of the split that is equal (similar) to this
            text, which may be this text itself; `NO_ROW` if there is none.
    """

    splits: tuple[DatasetSplit, ...]
    starts: Indices
    names: tuple[str, ...]
    groups: Indices
    pairs: Pairs
    equal: Indices
    similar: Indices

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
        edges = coo_matrix(
            (np.ones(len(self.pairs.first)), (self.pairs.first, self.pairs.second)), (size, size)
        )
        _, component = connected_components(edges, directed=False)
        usable = np.flatnonzero(self.groups >= 0)
        of = component[self.groups[usable]] if size else np.empty(0, np.int64)
        shared = np.bincount(of)[of] > 1
        usable, of = usable[shared], of[shared]
        order = np.argsort(of, kind="stable")
        parts = np.split(usable[order], np.flatnonzero(np.diff(of[order])) + 1)
        return sorted(filter(len, parts), key=lambda part: (-len(part), int(part[0])))

    def split_of(self, text: int) -> DatasetSplit:
        """The split that a text belongs to, by the text's number."""
        return self.splits[int(np.searchsorted(self.starts, text, side="right")) - 1]

    def _occurs_in(
        self, first: Indices, split: DatasetSplit, others: Collection[DatasetSplit]
    ) -> Flags:
        columns = [self.splits.index(other) for other in others]
        return np.asarray((first[self.rows(split)][:, columns] != NO_ROW).any(axis=1))

    def _earlier(self, first: Indices, split: DatasetSplit) -> Flags:
        rows = self.rows(split)
        own = first[rows, self.splits.index(split)]
        return np.asarray((own != NO_ROW) & (own < np.arange(rows.start, rows.stop)))


def match(texts: Mapping[DatasetSplit, Sequence[Text]], threshold: float) -> Matches:
    """Compare all texts with one another.

    The cost grows about linearly with the number of texts.

    Args:
        threshold: the least Jaccard similarity (0–1) of the shingles of two similar texts.
    """
    all_texts = [text for split in texts.values() for text in split]
    split_numbers = np.repeat(np.arange(len(texts)), [len(split) for split in texts.values()])
    groups, first_texts = _grouped([text.words_digest for text in all_texts])
    pairs = near_pairs([_shingles(all_texts[index]) for index in first_texts], threshold)
    similar = _first(groups, split_numbers, len(texts))
    nearest = similar.copy()
    np.minimum.at(nearest, pairs.first, similar[pairs.second])
    np.minimum.at(nearest, pairs.second, similar[pairs.first])
    fingerprint_groups, _ = _grouped([text.fingerprint for text in all_texts])
    equal = _of_each(_first(fingerprint_groups, split_numbers, len(texts)), fingerprint_groups)
    return Matches(
        splits=tuple(texts),
        starts=np.concatenate([[0], np.cumsum([len(split) for split in texts.values()])]),
        names=tuple(text.name for text in all_texts),
        groups=groups,
        pairs=pairs,
        equal=equal,
        similar=np.minimum(_of_each(nearest, groups), equal),
    )


def _shingles(text: Text) -> Shingles:
    return np.empty(0, np.uint32) if text.shingles is None else text.shingles


def _grouped(keys: Sequence[str | None]) -> tuple[Indices, list[int]]:
    """A number for each distinct key (-1 for None), and the position where each occurs first."""
    numbers: dict[str, int] = {}
    first_texts: list[int] = []
    groups = np.full(len(keys), -1, dtype=np.int64)
    for index, key in enumerate(keys):
        if key is not None:
            groups[index] = numbers.setdefault(key, len(numbers))
            if len(numbers) > len(first_texts):
                first_texts.append(index)
    return groups, first_texts


def _first(groups: Indices, split_numbers: Indices, splits: int) -> Indices:
    """(groups, splits): the first text of each group in each split."""
    found = np.full((int(groups.max(initial=-1)) + 1, splits), NO_ROW)
    usable = np.flatnonzero(groups >= 0)
    np.minimum.at(found, (groups[usable], split_numbers[usable]), usable)
    return found


def _of_each(first: Indices, groups: Indices) -> Indices:
    """(texts, splits): the row of each text's group."""
    with_none = np.concatenate([first, np.full((1, first.shape[1]), NO_ROW)])
    return np.asarray(with_none[groups])
