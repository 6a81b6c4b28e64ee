"""Text → the digest of its words, and the set of its hashed word 2-shingles.

Shingling follows A. Z. Broder, "On the resemblance and containment of documents" (1997). In scripts
without spaces between words each character is a word, and a shingle has four of them.
"""

import hashlib
import re
from base64 import b64decode, b64encode
from functools import lru_cache
from itertools import groupby

import numpy as np
import regex
from numpy.typing import NDArray

from plait.segmentation import SPACELESS

SHINGLE = 2
"""Words per shingle: 2 tells edited copies from texts that share a quote better than 3 does
(docs/results/near_duplicates.md)."""

Shingles = NDArray[np.uint32]

RUN = 3
"""Characters that stand for a word in a shingle, in scripts without spaces: two overlapping runs
make four characters, about as much as two words."""
_WORDS = re.compile(r"\w+")
# Korean has spaces between words; it is without them for spans alone (`plait.segmentation`).
_SPACELESS = regex.compile(rf"(?V1)[[{SPACELESS}]--\p{{Hangul}}]")
_ALL_WORDS = regex.compile(
    rf"(?V1)(?=[[\w]&&[{SPACELESS}]--\p{{Hangul}}])\X|(?:(?![[{SPACELESS}]--\p{{Hangul}}])\w)+"
)
_MIX = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)))


def words(text: str) -> list[str]:
    """The words of a text, case-folded, without punctuation."""
    folded = text.casefold()
    if folded.isascii() or not _SPACELESS.search(folded):
        return _WORDS.findall(folded)
    return _ALL_WORDS.findall(folded)


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
    hashes = np.fromiter(map(word_hash, words), dtype=np.uint64, count=len(words))
    count = len(words) - size + 1
    mixed = np.zeros(count, dtype=np.uint64)
    for place, factor in enumerate(_MIX[:size]):
        mixed = (mixed ^ hashes[place : place + count]) * factor
        mixed ^= mixed >> np.uint64(29)
    return np.unique((mixed >> np.uint64(32)).astype(np.uint32))


def shingles_of_long(words: list[str], short_words: int) -> Shingles | None:
    """The shingles of a text; None if it has fewer than `short_words` words.

    In scripts without spaces `RUN` characters count as one word, and each run of them is a word of
    shingles.
    """
    if len(words) < short_words:
        return None
    if "".join(words).isascii():
        return shingles(words)
    runs: list[str] = []
    count = 0.0
    for spaceless, group in groupby(words, key=lambda word: _SPACELESS.match(word) is not None):
        stretch = list(group)
        count += len(stretch) / (RUN if spaceless else 1)
        last = max(1, len(stretch) - RUN + 1)
        runs += ["".join(stretch[i : i + RUN]) for i in range(last)] if spaceless else stretch
    return shingles(runs) if count >= short_words else None


def packed(values: Shingles) -> str:
    """Shingles as a short string for JSON."""
    return b64encode(values.astype("<u4").tobytes()).decode("ascii")


def unpacked(value: str) -> Shingles:
    """The inverse of `packed`."""
    return np.frombuffer(b64decode(value), dtype="<u4")


@lru_cache(maxsize=1 << 18)
def word_hash(word: str) -> int:
    """64 bits that stand for a word, the same on every machine."""
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
