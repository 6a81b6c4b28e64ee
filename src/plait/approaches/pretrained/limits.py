"""How many tokens a model can read at once."""

import random
import re
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from plait.approaches.base import Resolved
from plait.approaches.pretrained.undisturbed import undisturbed
from plait.errors import PlaitError

QUICK = 1024
"""Tokens that a model reads once, before training, to see that it can."""
# A learned vector for each position, by the names that architectures give the table of them.
_POSITIONS = re.compile(r"(.*\.)?(embed_positions|position_embeddings?|positions_embed|wpe)")

_SPECIAL = ("pad", "bos", "eos", "sep", "cls")


def longest(model: PreTrainedModel) -> int | None:
    """The most tokens that a model reads, or None without a known limit.

    A table of positions that begins after the padding's number, as RoBERTa's does, or with an
    offset, as OPT's does, has that many fewer.
    """
    told = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 0
    tables = [
        _usable(module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Embedding) and _POSITIONS.fullmatch(name)
    ]
    return min([limit for limit in (told, *tables) if limit > 0], default=None)


def _usable(table: nn.Embedding) -> int:
    first = getattr(table, "offset", 0) if table.padding_idx is None else table.padding_idx + 1
    return table.num_embeddings - int(first)


def check(candidate: Resolved, model: PreTrainedModel, max_length: int) -> None:
    """Refuse a setting with which texts may be longer than what the model reads.

    Raises:
        PlaitError: names the setting and the most that fits.
    """
    limit = longest(model)
    if limit is not None and max_length > limit:
        raise PlaitError(_too_long(candidate, max_length, f"reads at most {limit}"))
    if max_length <= QUICK:
        try:
            _read(model, max_length)
        except Exception as error:  # an index out of range, or what the architecture has for it
            fails = f"fails to read that many ({type(error).__name__}: {error})"
            raise PlaitError(_too_long(candidate, max_length, fails)) from error


def _read(model: PreTrainedModel, length: int) -> None:
    ids = torch.full((1, length), ordinary(model.config, 1)[0], device=model.device)
    with undisturbed(model):
        model(ids)


def ordinary(config: Any, count: int) -> list[int]:
    """Numbers of tokens that are neither padding nor another special one, always the same."""
    special = {getattr(config, f"{name}_token_id", None) for name in _SPECIAL}
    first = config.vocab_size // 4  # marks come first in a vocabulary
    some = range(first, min(first + 1000, config.vocab_size))
    # A generator of its own: the numbers that a training draws stay the same.
    return random.Random(0).choices([n for n in some if n not in special] or some, k=count)


def _too_long(candidate: Resolved, max_length: int, but: str) -> str:
    return (
        f"candidates.{candidate.name}.training.max_length: {max_length} tokens, but backbone "
        f"{candidate.backbone!r} {but}. Lower max_length."
    )
