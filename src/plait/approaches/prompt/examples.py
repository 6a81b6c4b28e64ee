"""The examples in a prompt: drawn once by the seed, or for each text those nearest to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plait.approaches.prompting.answers import Form, spelled
from plait.approaches.prompting.chat import Shot
from plait.tasks import Row

Embed = Callable[[Sequence[str]], Any]
"""Texts to unit vectors (texts × size)."""


def drawn(form: Form, rows: Sequence[Row], count: int, seed: int) -> list[Row]:
    """`count` rows that cover as many labels as possible, in the order of the draw."""
    shuffled = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    choosing = [task.field for task in form.tasks if task.whole_text]
    seen: dict[tuple[object, ...], int] = {}
    turns = []
    for place, row in enumerate(shuffled):
        key = tuple(row.labels[field] for field in choosing)
        turns.append((seen.setdefault(key, 0), place))
        seen[key] += 1
    return [shuffled[place] for _, place in sorted(turns)[:count]]


@dataclass(frozen=True)
class Fixed:
    """The same examples for every text."""

    rows: Sequence[Row]

    def __call__(self, form: Form, text: str) -> Sequence[Shot]:
        """As turns of the chat."""
        return [_shot(form, row) for row in self.rows]


@dataclass(frozen=True)
class Nearest:
    """For each text the `count` rows nearest to it; the nearest stands last, next to the text.

    Args:
        vectors: of the rows (rows × size), of length one.
    """

    rows: Sequence[Row]
    vectors: Any
    count: int
    embed: Embed

    def __call__(self, form: Form, text: str) -> Sequence[Shot]:
        """As turns of the chat."""
        near = self.vectors @ self.embed([text])[0]
        chosen = np.argsort(-near, kind="stable")[: self.count][::-1]
        return [_shot(form, self.rows[i]) for i in chosen]


def _shot(form: Form, row: Row) -> Shot:
    return row.text, spelled(form.tasks, row.text, row.labels)
