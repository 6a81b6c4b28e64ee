"""Whether plait's way through a model gives what the model's own forward gives.

Batches with padding, packed rows, trees with a cache and masks of plait's own rest on what an
architecture does with them. A few short texts show it, before a training and when weights are
loaded: a model that plait would read wrongly is refused.
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from transformers import PreTrainedModel

from plait.approaches.pretrained.limits import longest
from plait.approaches.pretrained.masks import architecture, windows
from plait.approaches.pretrained.undisturbed import undisturbed
from plait.errors import PlaitError
from plait.training.memory import is_out_of_memory

LENGTH = 8
"""Tokens of a text; more where a window is to be exceeded."""
PROMPT = 256
"""Tokens that may stand around a text: with them it may exceed a window."""
EXACT, ROUNDED = 1e-3, 0.1
"""The most that a token's vector may differ, by its own length: in float32, and in fewer bits."""


def own_scores(model: PreTrainedModel, text: Sequence[int], last: int) -> Tensor:
    """The model's own logits after each of a text's last tokens (last × vocabulary)."""
    ids = torch.tensor([list(text)], device=model.device)
    keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
    kept = {"logits_to_keep": last} if keeps else {}  # else all tokens × a large vocabulary
    found: Tensor = model(ids, use_cache=False, **kept).logits[0, -last:]
    return found


def beyond(model: PreTrainedModel, most: int) -> int:
    """A short length; but one that exceeds the model's window, if `most` tokens may exceed it."""
    narrow = min((window for window in windows(model).values() if window), default=most)
    length = narrow + LENGTH if narrow < most else LENGTH
    return max(2, min(length, most, (longest(model) or most) - LENGTH))


@contextmanager
def checking(model: PreTrainedModel) -> Iterator[None]:
    """The model undisturbed; what fails within names the architecture.

    Raises:
        PlaitError: something failed within.
    """
    try:
        with undisturbed(model):
            yield
    except PlaitError:
        raise
    except Exception as error:  # whatever an architecture raises that plait does not know
        if is_out_of_memory(error):
            raise
        raise PlaitError(
            f"architecture {architecture(model.config)}: the model can't be read the way plait "
            f"reads it ({type(error).__name__}: {error}). Use another backbone."
        ) from error


def agree(model: PreTrainedModel, what: str, found: Tensor, own: Tensor) -> None:
    """Refuse a model for which plait's vectors (tokens × size) are not the model's own.

    Raises:
        PlaitError: names the architecture, what differs and by how much.
    """
    most = EXACT if model.dtype == torch.float32 else ROUNDED
    apart = difference(found, own)
    if not apart <= most:  # not a number is refused, too
        raise PlaitError(
            f"architecture {architecture(model.config)}: {what} differ from the model's own by "
            f"{apart:.2g} of their length, expected at most {most:g}: its answers would be "
            "wrong. Use another backbone."
        )


def difference(found: Tensor, own: Tensor) -> float:
    """The largest over tokens: the length of the vectors' difference by the own vector's."""
    found, own = found.float(), own.float()
    return float(((found - own).norm(dim=-1) / own.norm(dim=-1).clamp(min=1e-12)).max())
