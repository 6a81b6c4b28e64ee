"""Which texts stand twice, and where: within a split, across splits, across sets of a mixture."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from plait.leakage.near import Pairs, near_pairs
from plait.leakage.shingles import Shingles
from plait.tasks import Split

NONE = np.iinfo(np.int64).max
"""In place of a row's index: there is none."""
Side = tuple[str, Split]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Text:
    """What is compared of a row's text. `fingerprint` (white space aside) and `normal` (case and
    punctuation aside) are None where there is nothing to compare; `shingles` are None for a short
    text, which is compared by its normal form alone.
    """

    name: str
    fingerprint: str | None
    normal: str | None
    shingles: Shingles | None


@dataclass(frozen=True)
class Matches:
    """Of every text its equals and its likes; texts are numbered side after side.

    A text is *equal* to another with its fingerprint. It is *alike* to one that is equal, that has
    its normal form, or (long texts) whose shingles reach the threshold; *near* where it is alike
    and not equal. `equal` and `alike` hold, for each text and each side, the first such text of
    that side, the text itself among them.
    """

    sides: tuple[Side, ...]
    starts: Indices
    names: tuple[str, ...]
    groups: Indices
    pairs: Pairs
    equal: Indices
    alike: Indices

    def rows(self, side: Side) -> slice:
        """Where the texts of a side stand."""
        place = self.sides.index(side)
        return slice(int(self.starts[place]), int(self.starts[place + 1]))

    def equal_in(self, side: Side, others: Collection[Side]) -> Flags:
        """For each text of `side`: whether an equal one stands in one of the others."""
        return self._found(self.equal, side, others)

    def near_in(self, side: Side, others: Collection[Side]) -> Flags:
        """For each text of `side`: whether one alike stands in the others, and no equal one."""
        return self._found(self.alike, side, others) & ~self.equal_in(side, others)

    def repeats(self, side: Side) -> Flags:
        """For each text of `side`: whether an equal one stands before it."""
        return self._earlier(self.equal, side)

    def near_repeats(self, side: Side) -> Flags:
        """For each text of `side`: whether one alike stands before it, and no equal one."""
        return self._earlier(self.alike, side) & ~self.repeats(side)

    def clusters(self) -> list[Indices]:
        """Texts that are alike, directly or through others: two or more each, largest first."""
        size = int(self.groups.max(initial=-1)) + 1
        edges = coo_matrix(
            (np.ones(len(self.pairs.first)), (self.pairs.first, self.pairs.second)), (size, size)
        )
        _, component = connected_components(edges, directed=False)
        known = np.flatnonzero(self.groups >= 0)
        of = component[self.groups[known]] if size else np.empty(0, np.int64)
        shared = np.bincount(of)[of] > 1
        known, of = known[shared], of[shared]
        order = np.argsort(of, kind="stable")
        parts = np.split(known[order], np.flatnonzero(np.diff(of[order])) + 1)
        return sorted(filter(len, parts), key=lambda part: (-len(part), int(part[0])))

    def side_of(self, text: int) -> Side:
        """The side that a text belongs to."""
        return self.sides[int(np.searchsorted(self.starts, text, side="right")) - 1]

    def _found(self, first: Indices, side: Side, others: Collection[Side]) -> Flags:
        columns = [self.sides.index(other) for other in others]
        return np.asarray((first[self.rows(side)][:, columns] != NONE).any(axis=1))

    def _earlier(self, first: Indices, side: Side) -> Flags:
        rows = self.rows(side)
        own = first[rows, self.sides.index(side)]
        return np.asarray((own != NONE) & (own < np.arange(rows.start, rows.stop)))


def match(texts: Mapping[Side, Sequence[Text]], threshold: float) -> Matches:
    """Compare all texts with one another; `threshold` is the least Jaccard similarity of shingles.

    Cost grows about linearly with the number of texts.
    """
    every = [text for side in texts.values() for text in side]
    place = np.repeat(np.arange(len(texts)), [len(side) for side in texts.values()])
    groups, firsts = _grouped([text.normal for text in every])
    pairs = near_pairs([_shingles(every[index]) for index in firsts], threshold)
    alike = _first(groups, place, len(texts))
    reached = alike.copy()
    np.minimum.at(reached, pairs.first, alike[pairs.second])
    np.minimum.at(reached, pairs.second, alike[pairs.first])
    prints, _ = _grouped([text.fingerprint for text in every])
    equal = _of_each(_first(prints, place, len(texts)), prints)
    return Matches(
        sides=tuple(texts),
        starts=np.concatenate([[0], np.cumsum([len(side) for side in texts.values()])]),
        names=tuple(text.name for text in every),
        groups=groups,
        pairs=pairs,
        equal=equal,
        alike=np.minimum(_of_each(reached, groups), equal),
    )


def _shingles(text: Text) -> Shingles:
    return np.empty(0, np.uint32) if text.shingles is None else text.shingles


def _grouped(keys: Sequence[str | None]) -> tuple[Indices, list[int]]:
    """Number of each key (-1 for None), and where each number occurs first."""
    numbers: dict[str, int] = {}
    firsts: list[int] = []
    groups = np.full(len(keys), -1, dtype=np.int64)
    for index, key in enumerate(keys):
        if key is not None:
            groups[index] = numbers.setdefault(key, len(numbers))
            if len(numbers) > len(firsts):
                firsts.append(index)
    return groups, firsts


def _first(groups: Indices, place: Indices, sides: int) -> Indices:
    """(groups, sides): the first text of each group on each side."""
    found = np.full((int(groups.max(initial=-1)) + 1, sides), NONE)
    known = np.flatnonzero(groups >= 0)
    np.minimum.at(found, (groups[known], place[known]), known)
    return found


def _of_each(first: Indices, groups: Indices) -> Indices:
    """(texts, sides): the row of each text's group."""
    with_none = np.concatenate([first, np.full((1, first.shape[1]), NONE)])
    return np.asarray(with_none[groups])
