"""Attention masks of plait's own, in the form that a model's layers take.

A mask of four dimensions reaches a model's layers as it is: transformers adds neither the sliding
window of a layer to it, nor turns its type into the one that the attention computes with.
"""

import inspect
import sys
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from plait.errors import PlaitError

EVERY, FULL, SLIDING = "every layer", "full_attention", "sliding_attention"
ARGUMENT = "attention_mask"

Masks = Tensor | dict[str, Tensor]
"""One mask for all layers, or one for each kind of layer."""


def architecture(config: Any) -> str:
    """The name of a model's class, as its configuration has it; else its type."""
    return str((getattr(config, "architectures", None) or [config.model_type])[0])


def kinds(config: Any) -> list[str]:
    """The kinds of layers that a configuration names, each once.

    Raises:
        PlaitError: plait can't make a mask for layers of one of them.
    """
    named = getattr(config, "layer_types", None) or ()
    others = getattr(config, "attention_layers", None) or ()  # of GPT-Neo: `local` counts slots
    unknown = sorted({*named} - {FULL, SLIDING} | {*others} - {"global"})
    if unknown:
        raise PlaitError(
            f"architecture {architecture(config)}: layers of the kind {', '.join(unknown)}; plait "
            f"makes masks for layers of {FULL} and {SLIDING} alone. Use another backbone, or "
            "approach heads with attention: causal, which needs no such mask."
        )
    return list(dict.fromkeys(named))


def windows(model: PreTrainedModel) -> dict[str, int | None]:
    """By kind of layer, how many positions a token sees back, itself included; None: all.

    Raises:
        PlaitError: the model has a kind of layer for which plait can't make a mask.
    """
    named, window = kinds(model.config), getattr(model.config, "sliding_window", None)
    if not named:  # the one window holds for every layer, if the model's code has windows at all
        code = sys.modules[type(model.base_model).__module__]
        windowed = hasattr(code, "create_sliding_window_causal_mask")
        return {EVERY: window if windowed else None}
    return {kind: window if kind == SLIDING else None for kind in named}


def fitted(model: PreTrainedModel, mask: Tensor, queries: Tensor, keys: Tensor) -> Masks:
    """A mask as the model's layers take it: within their windows, boolean or to be added.

    Args:
        mask: whether a token attends to another (batch × 1 × queries × keys).
        queries: the tokens' positions in their texts (batch × queries); windows count positions.
        keys: those of the tokens that may be attended to (batch × keys).

    Returns:
        One mask for each kind of layer, where a model has several kinds.
    """
    found = {
        kind: _typed(model, _within(mask, queries, keys, window))
        for kind, window in windows(model).items()
    }
    return found if len(found) > 1 else next(iter(found.values()))


def _within(mask: Tensor, queries: Tensor, keys: Tensor, window: int | None) -> Tensor:
    if window is None:
        return mask
    distance = (queries[:, None, :, None] - keys[:, None, None, :]).abs()
    return mask & (distance < window)


def _typed(model: PreTrainedModel, mask: Tensor) -> Tensor:
    """Attention by `sdpa` takes a boolean mask; other kinds add the mask to their scores."""
    if model.config._attn_implementation == "sdpa":
        return mask
    dtype = model.get_input_embeddings().weight.dtype
    added = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    return added.masked_fill(~mask, torch.finfo(dtype).min)


def look_back(encoder: PreTrainedModel, count: int) -> list[RemovableHandle]:
    """Let the lowest `count` layers attend to earlier tokens alone, whatever mask they get.

    Raises:
        PlaitError: the model's layers, or the mask among their arguments, can't be found.
    """
    return [
        layer.register_forward_pre_hook(_Causal(_place(encoder, layer)), with_kwargs=True)
        for layer in _layers(encoder)[:count]
    ]


def _layers(encoder: PreTrainedModel) -> list[nn.Module]:
    """The layers, lowest first: the outermost list with as many modules as there are layers."""
    count = encoder.config.num_hidden_layers
    lists = [
        (name.count("."), module)
        for name, module in encoder.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == count
    ]
    if not lists:
        raise PlaitError(f"{_no_layers(encoder)}: its list of {count} layers is not found")
    return list(min(lists, key=lambda found: found[0])[1])


def _place(encoder: PreTrainedModel, layer: nn.Module) -> int:
    """Which argument of a layer the mask is."""
    names = list(inspect.signature(layer.forward).parameters)
    if ARGUMENT not in names:
        raise PlaitError(f"{_no_layers(encoder)}: {type(layer).__name__} takes no {ARGUMENT}")
    return names.index(ARGUMENT)


def _no_layers(encoder: PreTrainedModel) -> str:
    return (
        f"options.causal_layers: expected 0 with architecture {architecture(encoder.config)}, "
        "whose layers plait can't make causal one by one"
    )


class _Causal:
    """A layer's arguments, with a mask (batch × 1 × length × length) that looks back alone."""

    def __init__(self, place: int) -> None:
        self.place = place

    def __call__(
        self, _layer: nn.Module, args: tuple[Any, ...], settings: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if ARGUMENT in settings:
            return args, {**settings, ARGUMENT: _lower(settings[ARGUMENT])}
        mask = _lower(args[self.place])
        return tuple(chain(args[: self.place], [mask], args[self.place + 1 :])), settings


def _lower(mask: Tensor | None) -> Tensor | None:
    if mask is None:  # attention by `sdpa` is told so where it looks back in all layers
        return None
    if mask.dtype == torch.bool:
        return mask.tril()
    later = torch.ones(mask.shape[-2:], dtype=torch.bool, device=mask.device).triu(1)
    return mask.masked_fill(later, torch.finfo(mask.dtype).min)
