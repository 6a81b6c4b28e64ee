"""The tokens that a decoder has read (its cache), and several continuations in one forward pass.

Keys and values of what was read are kept. Continuations form a tree: each token attends to what was
read and to its own ancestors, so alternatives share one pass and don't see each other.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from plait.approaches.pretrained.masks import fitted

ROOT = -1


@dataclass(frozen=True)
class Tree:
    """Tokens to read for one text: first `stem`, which is kept, then branches, which are not.

    `parents` gives the position of each token's parent within `tokens`, ROOT for the first. Parents
    stand before their children.
    """

    tokens: tuple[int, ...]
    parents: tuple[int, ...]
    stem: int

    @classmethod
    def of(cls, stem: Sequence[int], paths: Sequence[tuple[int, ...]]) -> "tuple[Tree, list[int]]":
        """A stem with paths below it, and for each path the position of its last token.

        An empty path ends where the stem does.
        """
        tokens, parents = list(stem), [ROOT, *range(len(stem) - 1)][: len(stem)]
        places: dict[tuple[int, ...], int] = {(): len(stem) - 1}
        for path in paths:
            for end in range(1, len(path) + 1):
                if path[:end] not in places:
                    places[path[:end]] = len(tokens)
                    tokens.append(path[end - 1])
                    parents.append(places[path[: end - 1]])
        return cls(tuple(tokens), tuple(parents), len(stem)), [places[path] for path in paths]


class Context:
    """The cache of a batch of texts, which may have different lengths.

    Args:
        model: a causal language model that takes a four-dimensional attention mask.
        size: texts in the batch.
    """

    def __init__(self, model: PreTrainedModel, size: int) -> None:
        self.model = model
        self.cache = DynamicCache()
        self.read = torch.zeros(size, 0, dtype=torch.bool, device=model.device)  # batch × slots
        self.positions = torch.zeros(size, 0, dtype=torch.long, device=model.device)  # of slots

    def repeated(self, size: int) -> "Context":
        """A context of `size` texts that have all read what this one (of one text) has."""
        twin = Context(self.model, size)
        twin.cache = copy(self.cache)
        twin.cache.layers = [copy(layer) for layer in self.cache.layers]
        if size != len(self.read):
            twin.cache.batch_repeat_interleave(size)
        twin.read = self.read.repeat_interleave(size // len(self.read), 0)
        twin.positions = self.positions.repeat_interleave(size // len(self.read), 0)
        return twin

    def look(self, trees: Sequence[Tree]) -> Tensor:
        """Hidden states (batch × tokens × size) of the trees' tokens; the stems are then read."""
        tokens = _padded([tree.tokens for tree in trees], 0)
        stems = torch.tensor([tree.stem for tree in trees])
        ancestors = _ancestors(_padded([tree.parents for tree in trees], ROOT), int(stems.min()))
        device = self.model.device
        hidden, positions = self._forward(tokens.to(device), ancestors.to(device))
        kept = int(stems.max())
        self.cache.crop(kept - tokens.shape[1])
        stem = torch.arange(kept) < stems[:, None]
        self.read = torch.cat([self.read, stem.to(device)], 1)
        self.positions = torch.cat([self.positions, positions[:, :kept]], 1)
        return hidden

    def keep(self, texts: Sequence[int]) -> None:
        """Go on with some of the texts alone."""
        places = torch.tensor(texts, device=self.model.device)
        self.cache.batch_select_indices(places)
        self.read, self.positions = self.read[places], self.positions[places]

    def _forward(self, tokens: Tensor, ancestors: Tensor) -> tuple[Tensor, Tensor]:
        """The tokens' hidden states and positions.

        Each token attends to what was read, its ancestors and itself; depth is position.
        """
        past = self.read[:, None, :].expand(-1, tokens.shape[1], -1)
        mask = torch.cat([past, ancestors], -1)[:, None]  # batch × 1 × tokens × slots
        positions = self.read.sum(-1, keepdim=True) + ancestors.sum(-1) - 1
        keys = torch.cat([self.positions, positions], 1)
        found: Any = self.model.base_model(
            input_ids=tokens,
            attention_mask=fitted(self.model, mask, positions, keys),
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
        )
        return found.last_hidden_state, positions


def _padded(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])


def _ancestors(parents: Tensor, stem: int) -> Tensor:
    """(batch × tokens × tokens): whether the last index is an ancestor of the other, or is it.

    In every row the first `stem` tokens follow one another.
    """
    size, length = parents.shape
    found = torch.eye(length, dtype=torch.bool).repeat(size, 1, 1)
    found[:, :stem, :stem] = torch.ones(stem, stem, dtype=torch.bool).tril()
    rows = torch.arange(size)
    for token in range(stem, length):
        parent = parents[:, token]
        found[:, token] |= found[rows, parent.clamp(min=0)] & (parent >= 0)[:, None]
    return found
