"""Similar pairs of shingle sets: MinHash with LSH proposes them, the exact Jaccard decides.

MinHash: A. Z. Broder, "On the resemblance and containment of documents" (1997). LSH by bands:
A. Rajaraman and J. Ullman, "Mining of Massive Datasets", chapter 3.

Sets, the keys of the bands and pairs may be more than fits memory: what is needed of them is read
from files (`plait.leakage.spilled`), some at a time.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plait.leakage.shingles import Shingles
from plait.leakage.spilled import Selected, Spilled

BANDS, VALUES = 64, 3
"""Bands of three MinHash values: they propose a pair of Jaccard similarity 0.4 with a probability
of 98.5 %, of 0.5 with 99.98 %. Two values per band would also propose the many pairs that share
little, and their number grows with the square of the number of texts."""
WINDOW = 8
"""Each set of a bucket is compared with this many sets that follow it: the cost stays linear in the
number of sets even for a large bucket. In buckets of up to WINDOW + 1 sets all pairs are
compared."""
_SEED = 17
_HASHED = 2_000
"""Most sets whose MinHash values are in memory at once."""
_AT_ONCE = 1 << 20
"""Shingles that are in memory at once, unless one pair has more."""
_COMPARED = 1 << 16
"""Pairs whose MinHash values are compared at once."""
_DEVIATIONS = 7
"""Standard deviations below the mean of pairs at the threshold, at which a pair is dropped: one of
10^11 pairs at the threshold is."""
_PAIRS = 1 << 22
"""Candidate pairs that are in memory at once."""
_MIX = np.uint64(0x9E3779B97F4A7C15)

Indices = NDArray[np.int64]
Packed = NDArray[np.uint64]
"""Pairs of indices, each as first << 32 | second."""


Sets = Sequence[Shingles] | Selected


@dataclass(frozen=True)
class Pairs:
    """Pairs of indices, `first` < `second`, sorted, and the Jaccard similarity of each."""

    first: Indices
    second: Indices
    similarity: NDArray[np.float64]


def near_pairs(sets: Sets, threshold: float) -> Pairs:
    """Pairs of sets whose Jaccard similarity is above 0 and at least `threshold`.

    Every returned pair reaches the threshold; a few pairs that reach it may be missed (see BANDS
    and WINDOW).
    """
    parts = list(near_pairs_in_parts(sets, threshold))
    nothing = np.empty(0, np.int64)
    return Pairs(
        np.concatenate([nothing, *(part.first for part in parts)]),
        np.concatenate([nothing, *(part.second for part in parts)]),
        np.concatenate([np.empty(0), *(part.similarity for part in parts)]),
    )


def near_pairs_in_parts(sets: Sets, threshold: float) -> Iterator[Pairs]:
    """The pairs of `near_pairs` in the same order, some millions at a time."""
    hashed = _hashed(sets)
    for found in _candidates(hashed):
        likely = _likely(hashed.bytes, found, threshold)
        first, second = (hashed.numbers[side] for side in unpacked_pairs(likely))
        similarity = similarities(sets, first, second)
        kept = similarity >= max(threshold, np.finfo(np.float64).tiny)
        yield Pairs(first[kept], second[kept], similarity[kept])


def packed_pairs(first: Indices, second: Indices) -> Packed:
    """(pairs,): each pair as one number, which sorts as the pair does."""
    return first.astype(np.uint64) << np.uint64(32) | second.astype(np.uint64)


def unpacked_pairs(packed: Packed) -> tuple[Indices, Indices]:
    """The inverse of `packed_pairs`."""
    first, second = packed >> np.uint64(32), packed & np.uint64(0xFFFFFFFF)
    return first.astype(np.int64), second.astype(np.int64)


def similarities(sets: Sets, first: Indices, second: Indices) -> NDArray[np.float64]:
    """The exact Jaccard similarity of each pair: size of the intersection / size of the union.

    It is 0 for two empty sets. `first` and `second` (pairs,) are indices into `sets`.
    """
    sizes = _sizes(sets)
    shared = np.zeros(len(first), dtype=np.int64)
    for part in _parts(sizes[first] + sizes[second]):
        numbers, places = np.unique(np.r_[first[part], second[part]], return_inverse=True)
        taken = [sets[number] for number in numbers]
        shared[part] = _shared(taken, *np.split(places, 2))
    return np.asarray(shared / np.maximum(1, sizes[first] + sizes[second] - shared))


def _sizes(sets: Sets) -> Indices:
    """(sets,): the shingles of each."""
    if isinstance(sets, Selected):
        return sets.sizes()
    return np.fromiter(map(len, sets), dtype=np.int64, count=len(sets))


def _parts(shingles: Indices) -> Iterator[slice]:
    """Slices of about `_AT_ONCE` shingles each; `shingles` (places,) are those of each place."""
    edges = np.flatnonzero(np.diff(np.cumsum(shingles) // _AT_ONCE)) + 1
    return (slice(*each) for each in itertools.pairwise([0, *edges, len(shingles)]))


def _shared(sets: list[Shingles], first: Indices, second: Indices) -> Indices:
    """(pairs,): the size of each intersection, counted as shingles that occur twice in a pair."""
    sizes = np.fromiter(map(len, sets), dtype=np.int64, count=len(sets))
    flat = np.concatenate([np.empty(0, np.uint32), *sets])
    starts = np.cumsum(sizes) - sizes
    keys = []
    for side in (first, second):
        lengths = sizes[side]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        numbers = np.repeat(np.arange(len(side), dtype=np.uint64), lengths)
        taken = flat[np.repeat(starts[side], lengths) + within].astype(np.uint64)
        keys.append(numbers << np.uint64(32) | taken)
    ordered = np.sort(np.concatenate(keys))
    twice = ordered[:-1][ordered[1:] == ordered[:-1]] >> np.uint64(32)
    return np.bincount(twice.astype(np.int64), minlength=len(first))


@dataclass(frozen=True)
class _Hashed:
    """What MinHash says of the sets that are not empty.

    Attributes:
        numbers: (hashed,): the number of each set.
        bytes: (hashed, BANDS × VALUES): the lowest byte of each MinHash value.
        keys: the keys of the bands in arrays of some sets each: those of band b are number b,
            b + BANDS, …
    """

    numbers: Indices
    bytes: NDArray[np.uint8]
    keys: Spilled


def _hashed(sets: Sets) -> _Hashed:
    sizes = _sizes(sets)
    numbers = np.flatnonzero(sizes)
    found = np.empty((len(numbers), BANDS * VALUES), np.uint8)
    keys = Spilled(np.uint64)
    for part in _parts(np.maximum(sizes[numbers], _AT_ONCE // _HASHED)) if len(numbers) else ():
        values = _minhash([sets[number] for number in numbers[part]])
        found[part] = values & np.uint64(0xFF)
        for of_band in _keys(values).T:
            keys.append(of_band)
    return _Hashed(numbers, found, keys)


def _likely(found: NDArray[np.uint8], pairs: Packed, threshold: float) -> Packed:
    """The pairs that agree in as many bytes as pairs at the threshold do, or in few less.

    Most candidates share little. The share of equal MinHash values estimates the Jaccard
    similarity; b bits of them do (P. Li and A. C. König, "b-Bit Minwise Hashing", 2010).
    """
    values = BANDS * VALUES
    least = values * threshold - _DEVIATIONS * np.sqrt(values * threshold * (1 - threshold))
    kept = [np.empty(0, np.uint64)]
    for at in range(0, len(pairs), _COMPARED):
        part = pairs[at : at + _COMPARED]
        first, second = unpacked_pairs(part)
        kept.append(part[np.count_nonzero(found[first] == found[second], axis=1) >= least])
    return np.concatenate(kept)


def _candidates(hashed: _Hashed) -> Iterator[Packed]:
    """Distinct candidate pairs of hashed sets, sorted, in parts that don't overlap."""
    found, runs = np.empty(0, np.uint64), Spilled(np.uint64)
    for band in range(BANDS):
        found = np.union1d(found, _neighbours(_band(hashed.keys, band)))
        if len(found) > _PAIRS:
            runs.append(found)
            found = np.empty(0, np.uint64)
    runs.append(found)
    return _merged(runs, len(hashed.numbers))


def _merged(runs: Spilled, sets: int) -> Iterator[Packed]:
    """The distinct pairs of sorted runs: a part for each range of first sets."""
    step = 1 + sets // len(runs)
    for start in range(0, sets, step):
        least, most = start << 32, (start + step) << 32
        pieces = [runs.between(number, least, most) for number in range(len(runs))]
        yield np.unique(np.concatenate(pieces))


def _minhash(sets: list[Shingles]) -> NDArray[np.uint64]:
    """(sets, BANDS × VALUES): the MinHash values."""
    from rensa import RMinHash

    offsets = np.cumsum([0, *map(len, sets)]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        np.concatenate(sets).astype(np.uint64), offsets, BANDS * VALUES, _SEED
    )
    return np.array(matrix.to_rows(), dtype=np.uint64)


def _keys(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """(sets, BANDS): a hash of three MinHash values each."""
    values = values.reshape(-1, BANDS, VALUES)
    keys = np.zeros(values.shape[:2], dtype=np.uint64)
    for place in range(VALUES):
        keys = (keys ^ values[:, :, place]) * _MIX
        keys ^= keys >> np.uint64(29)
    return keys


def _band(keys: Spilled, band: int) -> NDArray[np.uint64]:
    """(sets,): the keys of a band."""
    parts = (keys[index] for index in range(band, len(keys), BANDS))
    return np.concatenate([np.empty(0, np.uint64), *parts])


def _neighbours(keys: NDArray[np.uint64]) -> Packed:
    """Pairs of sets that share a key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    found = []
    for step in range(1, WINDOW + 1):
        same = ordered[:-step] == ordered[step:]
        # In a bucket sets have the order of their numbers: the first is the lesser.
        found.append(packed_pairs(order[:-step][same], order[step:][same]))
    return np.concatenate(found)
