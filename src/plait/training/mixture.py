"""Mixture: which rows make up each optimizer step, from one dataset or several."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

POOL = 100  # batches among which rows are grouped by length


@dataclass(frozen=True)
class Step:
    """Rows (indices into one dataset) that one optimizer step learns from."""

    dataset: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Mixture:
    """Batches from one or several datasets; single-dataset training is a mixture of one.

    Args:
        lengths: tokens of each row, by dataset.
        batch_size: rows a step.
        temperature: datasets are drawn in proportion to size^(1/temperature): 1 keeps the natural
            shares, higher values even them out (Raffel et al. 2020, arXiv 1910.10683, section 3.5).
        seed: order of rows and batches.
    """

    lengths: Mapping[str, Sequence[int]]
    batch_size: int
    temperature: float
    seed: int

    def rows_per_epoch(self) -> dict[str, int]:
        """Rows drawn from each dataset in one epoch; they add up to about all rows."""
        sizes = {name: len(lengths) for name, lengths in self.lengths.items()}
        weights = {name: size ** (1 / self.temperature) for name, size in sizes.items()}
        share = sum(sizes.values()) / sum(weights.values())
        return {name: max(1, round(weight * share)) for name, weight in weights.items()}

    def steps_per_epoch(self) -> int:
        return sum(math.ceil(n / self.batch_size) for n in self.rows_per_epoch().values())

    def epoch(self, number: int) -> list[Step]:
        """The steps of an epoch: rows shuffled, grouped by length, batches shuffled."""
        random = np.random.default_rng([self.seed, number])
        steps = [
            Step(name, rows)
            for name, count in sorted(self.rows_per_epoch().items())
            for rows in self._batches(self.lengths[name], count, random)
        ]
        return [steps[i] for i in random.permutation(len(steps))]

    def steps(self, total: int) -> Iterator[Step]:
        """The first `total` steps of training, epoch after epoch."""
        number = 0
        while total > 0:
            for step in self.epoch(number)[:total]:
                yield step
                total -= 1
            number += 1

    def _batches(
        self, lengths: Sequence[int], count: int, random: np.random.Generator
    ) -> Iterator[tuple[int, ...]]:
        rounds = [random.permutation(len(lengths)) for _ in range(-(-count // len(lengths)))]
        order = np.concatenate(rounds)[:count]
        size = np.asarray(lengths)
        for begin in range(0, count, self.batch_size * POOL):
            pool = order[begin : begin + self.batch_size * POOL]
            pool = pool[np.argsort(size[pool], kind="stable")]
            for start in range(0, len(pool), self.batch_size):
                yield tuple(int(i) for i in pool[start : start + self.batch_size])
