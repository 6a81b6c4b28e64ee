"""Features → TF-IDF → scores of classes → probabilities, with NumPy alone."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from plait.approaches.probabilities import sigmoid, softmax
from plait.files import read_json, write_json

Array = NDArray[np.floating[Any]]
Features = Sequence[Sequence[str]]
"""Of each row."""
AT_ONCE = 1 << 22
"""Numbers that a product has before it is summed: 16 MiB."""


class Separator:
    """Features → scores of `n` classes → probabilities."""

    def __init__(self, vocabulary: dict[str, int], weights: dict[str, Array]) -> None:
        self.vocabulary, self.weights = vocabulary, weights

    @cached_property
    def _coefficients(self) -> Array:
        """Features × classes in C order: a feature's lie side by side."""
        return np.ascontiguousarray(self.weights["coefficients"].T)

    def scores(self, features: Features) -> Array:
        """Scores (rows × classes)."""
        known = [
            Counter(self.vocabulary[name] for name in row if name in self.vocabulary)
            for row in features
        ]
        found = np.zeros((len(known), len(self.weights["intercept"])), np.float32)
        for first, last in self._parts([len(row) for row in known]):
            found[first:last] = self._products(known[first:last])
        scores: Array = found + self.weights["intercept"]
        return scores

    def _parts(self, sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
        """First and last row of what is computed at once."""
        most = AT_ONCE // len(self.weights["intercept"])
        first = room = 0
        for index, size in enumerate(sizes):
            if room + size > most and index > first:
                yield first, index
                first, room = index, 0
            room += size
        yield first, len(sizes)

    def _products(self, rows: Sequence[Counter[int]]) -> Array:
        """Sums over each row's features, weighted by TF-IDF of length 1."""
        sizes = np.array([len(row) for row in rows])
        found = np.zeros((len(rows), len(self.weights["intercept"])), np.float32)
        if not sizes.any():
            return found
        places, counts = np.array([pair for row in rows for pair in sorted(row.items())]).T
        values = (np.log(counts.astype(np.float32)) + 1) * self.weights["idf"][places]
        filled = sizes > 0
        starts = (np.cumsum(sizes) - sizes)[filled]
        lengths = np.sqrt(np.add.reduceat(values.astype(np.float64) ** 2, starts))
        values = (values / np.repeat(lengths, sizes[filled])).astype(np.float32)
        found[filled] = np.add.reduceat(values[:, None] * self._coefficients[places], starts)
        return found

    def probabilities(self, features: Features) -> Array:
        """Probabilities (rows × classes)."""
        return softmax(self.scores(features) / self.weights["temperature"])

    def save(self, folder: Path, name: str) -> None:
        save_file(self.weights, folder / f"{name}.safetensors")
        write_json(folder / f"{name}.vocabulary.json", self.vocabulary)

    @classmethod
    def load(cls, folder: Path, name: str) -> Self:
        vocabulary: dict[str, int] = read_json(folder / f"{name}.vocabulary.json")
        return cls(vocabulary, load_file(folder / f"{name}.safetensors"))


class OneVsRest(Separator):
    """A separator for each label, of which several may apply: targets are marks, one a label."""

    def probabilities(self, features: Features) -> Array:
        """Probabilities (rows × labels), each by itself."""
        return sigmoid(self.scores(features) / self.weights["temperature"] + self.weights["offset"])
