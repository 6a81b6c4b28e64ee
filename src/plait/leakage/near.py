"""Sets of shingles → pairs that are alike: MinHash and LSH propose, the exact Jaccard decides.

MinHash: A. Z. Broder, "On the resemblance and containment of documents" (1997). LSH by bands:
A. Rajaraman and J. Ullman, "Mining of Massive Datasets", chapter 3.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plait.leakage.shingles import Shingles

BANDS = 64
"""Bands of two MinHash values: a pair of Jaccard 0.25 is proposed with a probability of 98 %, of
0.4 with one of 99.999 %."""
WINDOW = 8
"""In a bucket each set is compared with this many that follow: cost stays linear in the number of
sets, however large the bucket. Buckets of up to WINDOW + 1 sets are compared wholly."""
_SEED = 17
_CHUNK = 20_000
_VERIFIED = 200_000

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of indices, `first` < `second`, sorted, and the Jaccard similarity of each."""

    first: Indices
    second: Indices
    similarity: NDArray[np.float64]


def near_pairs(sets: Sequence[Shingles], threshold: float) -> Pairs:
    """Pairs of sets whose Jaccard similarity is at least `threshold`, above 0.

    Every pair given reaches it; of those that reach it a few may be missed (see BANDS, WINDOW).
    """
    found = _candidates(sets)
    parts = [_verified(sets, part, threshold) for part in _parts(found)]
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _parts(found: NDArray[np.uint64]) -> list[NDArray[np.uint64]]:
    return np.array_split(found, len(found) // _VERIFIED + 1)


def _candidates(sets: Sequence[Shingles]) -> NDArray[np.uint64]:
    """Distinct candidate pairs, packed as first << 32 | second, sorted."""
    kept = np.flatnonzero([len(each) > 0 for each in sets])
    keys = np.concatenate([np.empty((0, BANDS), np.uint64), *_signatures(sets, kept)])
    found = np.empty(0, np.uint64)
    for band in range(BANDS):
        found = np.union1d(found, _neighbours(np.ascontiguousarray(keys[:, band]), kept))
    return found


def _signatures(sets: Sequence[Shingles], kept: Indices) -> Iterator[NDArray[np.uint64]]:
    """Keys of the bands, (sets, BANDS), chunk by chunk: two 32-bit MinHash values each."""
    from rensa import RMinHash

    for start in range(0, len(kept), _CHUNK):
        chunk = [sets[index] for index in kept[start : start + _CHUNK]]
        offsets = np.cumsum([0, *map(len, chunk)]).astype(np.uint64)
        hashes = np.concatenate(chunk).astype(np.uint64)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, 2 * BANDS, _SEED)
        yield np.array(matrix.to_rows(), dtype=np.uint32).view(np.uint64)


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


def _verified(
    sets: Sequence[Shingles], candidates: NDArray[np.uint64], threshold: float
) -> tuple[Indices, Indices, NDArray[np.float64]]:
    first = (candidates >> np.uint64(32)).astype(np.int64)
    second = (candidates & np.uint64(0xFFFFFFFF)).astype(np.int64)
    similarity = np.fromiter(
        (jaccard(sets[i], sets[j]) for i, j in zip(first, second, strict=True)),
        dtype=np.float64,
        count=len(first),
    )
    kept = similarity >= max(threshold, np.finfo(np.float64).tiny)
    return first[kept], second[kept], similarity[kept]


def jaccard(left: Shingles, right: Shingles) -> float:
    """Size of the intersection by that of the union of two sorted sets; 0 for two empty ones."""
    shared = len(np.intersect1d(left, right, assume_unique=True))
    return shared / max(1, len(left) + len(right) - shared)
