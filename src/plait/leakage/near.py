"""Similar pairs of shingle sets: MinHash with LSH proposes them, the exact Jaccard decides.

MinHash: A. Z. Broder, "On the resemblance and containment of documents" (1997). LSH by bands:
A. Rajaraman and J. Ullman, "Mining of Massive Datasets", chapter 3.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plait.leakage.shingles import Shingles

BANDS, VALUES = 64, 3
"""Bands of three MinHash values: they propose a pair of Jaccard similarity 0.4 with a probability
of 98.5 %, of 0.5 with 99.98 %. Two values per band would also propose the many pairs that share
little, and their number grows with the square of the number of texts."""
WINDOW = 8
"""Each set of a bucket is compared with this many sets that follow it: the cost stays linear in the
number of sets even for a large bucket. In buckets of up to WINDOW + 1 sets all pairs are
compared."""
_SEED = 17
_CHUNK = 20_000
_VERIFIED = 50_000
_MIX = np.uint64(0x9E3779B97F4A7C15)

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of indices, `first` < `second`, sorted, and the Jaccard similarity of each."""

    first: Indices
    second: Indices
    similarity: NDArray[np.float64]


def near_pairs(sets: Sequence[Shingles], threshold: float) -> Pairs:
    """Pairs of sets whose Jaccard similarity is above 0 and at least `threshold`.

    Every returned pair reaches the threshold; a few pairs that reach it may be missed (see BANDS
    and WINDOW).
    """
    found = _candidates(sets)
    first = (found >> np.uint64(32)).astype(np.int64)
    second = (found & np.uint64(0xFFFFFFFF)).astype(np.int64)
    similarity = similarities(sets, first, second)
    kept = similarity >= max(threshold, np.finfo(np.float64).tiny)
    return Pairs(first[kept], second[kept], similarity[kept])


def similarities(sets: Sequence[Shingles], first: Indices, second: Indices) -> NDArray[np.float64]:
    """The exact Jaccard similarity of each pair: size of the intersection / size of the union.

    It is 0 for two empty sets. `first` and `second` (pairs,) are indices into `sets`.
    """
    sizes = np.fromiter(map(len, sets), dtype=np.int64, count=len(sets))
    flat = np.concatenate([np.empty(0, np.uint32), *sets])
    starts = np.cumsum(sizes) - sizes
    shared = np.zeros(len(first), dtype=np.int64)
    for at in range(0, len(first), _VERIFIED):
        part = slice(at, at + _VERIFIED)
        shared[part] = _shared(flat, starts, sizes, first[part], second[part])
    return np.asarray(shared / np.maximum(1, sizes[first] + sizes[second] - shared))


def _shared(
    flat: Shingles, starts: Indices, sizes: Indices, first: Indices, second: Indices
) -> Indices:
    """(pairs,): the size of each intersection, counted as shingles that occur twice in a pair."""
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


def _candidates(sets: Sequence[Shingles]) -> NDArray[np.uint64]:
    """Distinct candidate pairs, packed as first << 32 | second, sorted."""
    kept = np.flatnonzero([len(each) > 0 for each in sets])
    keys = np.concatenate([np.empty((0, BANDS), np.uint64), *_signatures(sets, kept)])
    found = np.empty(0, np.uint64)
    for band in range(BANDS):
        found = np.union1d(found, _neighbours(np.ascontiguousarray(keys[:, band]), kept))
    return found


def _signatures(sets: Sequence[Shingles], kept: Indices) -> Iterator[NDArray[np.uint64]]:
    """Keys of the bands, (sets, BANDS), chunk by chunk: a hash of three MinHash values each."""
    from rensa import RMinHash

    for start in range(0, len(kept), _CHUNK):
        chunk = [sets[index] for index in kept[start : start + _CHUNK]]
        offsets = np.cumsum([0, *map(len, chunk)]).astype(np.uint64)
        hashes = np.concatenate(chunk).astype(np.uint64)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(
            hashes, offsets, BANDS * VALUES, _SEED
        )
        values = np.array(matrix.to_rows(), dtype=np.uint64).reshape(len(chunk), BANDS, VALUES)
        keys = np.zeros((len(chunk), BANDS), dtype=np.uint64)
        for place in range(VALUES):
            keys = (keys ^ values[:, :, place]) * _MIX
            keys ^= keys >> np.uint64(29)
        yield keys


def _neighbours(keys: NDArray[np.uint64], kept: Indices) -> NDArray[np.uint64]:
    """Pairs of sets that share a key."""
    order = np.argsort(keys, kind="stable")
    ordered, rows = keys[order], kept[order].astype(np.uint64)
    found = []
    for step in range(1, WINDOW + 1):
        same = ordered[:-step] == ordered[step:]
        first, second = rows[:-step][same], rows[step:][same]
        found.append(np.minimum(first, second) << np.uint64(32) | np.maximum(first, second))
    return np.concatenate(found)
