"""Text → the digest of its words, and the set of its hashed word 2-shingles.

Shingling follows A. Z. Broder, "On the resemblance and containment of documents" (1997).
"""

import hashlib
import re
from base64 import b64decode, b64encode
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SHINGLE = 2
"""Words per shingle: 2 tells edited copies from texts that share a quote better than 3 does
(docs/results/near_duplicates.md)."""

Shingles = NDArray[np.uint32]

_WORDS = re.compile(r"\w+")
_MIX = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)))


def words(text: str) -> list[str]:
    """The words of a text, case-folded, without punctuation."""
    return _WORDS.findall(text.casefold())


def words_digest(words: list[str]) -> str:
    """Hex digest (64 bits) of a text's words in their order."""
    joined = " ".join(words).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=8).hexdigest()


def shingles(words: list[str], size: int = SHINGLE) -> Shingles:
    """Sorted distinct hashes of all runs of `size` consecutive words, `size` from 1 to 3.

    A text with fewer words has none.

    Hashes depend on the words alone: they are the same on every machine and in every release.
    """
    if len(words) < size:
        return np.empty(0, dtype=np.uint32)
    hashes = np.fromiter(map(_word, words), dtype=np.uint64, count=len(words))
    count = len(words) - size + 1
    mixed = np.zeros(count, dtype=np.uint64)
    for place, factor in enumerate(_MIX[:size]):
        mixed = (mixed ^ hashes[place : place + count]) * factor
        mixed ^= mixed >> np.uint64(29)
    return np.unique((mixed >> np.uint64(32)).astype(np.uint32))


def packed(values: Shingles) -> str:
    """Shingles as a short string for JSON."""
    return b64encode(values.astype("<u4").tobytes()).decode("ascii")


def unpacked(value: str) -> Shingles:
    """The inverse of `packed`."""
    return np.frombuffer(b64decode(value), dtype="<u4")


@lru_cache(maxsize=1 << 18)
def _word(word: str) -> int:
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
