"""From the output of a decoder's vocabulary layer to the scores of the next token."""

from typing import Any

import torch
from torch import Tensor

MULTIPLYING = ("hyperclovax",)
"""Types of model that multiply by `logits_scaling`; others divide by it."""


def next_token_scores(config: Any, logits: Tensor) -> Tensor:
    """The model's own logits, in float32: scaled and capped as its configuration says.

    Args:
        logits: what the layer of the vocabulary gives (… × tokens), all tokens or some of them.
    """
    scores = logits.float()
    if scale := getattr(config, "logit_scale", None):  # Cohere
        scores = scores * scale
    if scale := getattr(config, "logits_scaling", None):  # Granite
        scores = scores * scale if config.model_type in MULTIPLYING else scores / scale
    cap = getattr(config, "final_logit_softcapping", None)  # Gemma 2
    return torch.tanh(scores / cap) * cap if cap else scores
