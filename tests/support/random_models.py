"""Tiny models with random weights, of the architectures whose forward passes differ."""

from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PreTrainedModel

SIZES: dict[str, Any] = {
    "vocab_size": 120,
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 128,
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
WINDOW = 4
DECODERS: dict[str, dict[str, Any]] = {
    "llama": {},
    "gemma2": {"sliding_window": WINDOW, "head_dim": 8},  # eager attention alone, soft caps
    "gemma3_text": {"sliding_window": WINDOW, "head_dim": 8, "sliding_window_pattern": 2},
    "mistral": {"sliding_window": WINDOW},
    "phi3": {"sliding_window": WINDOW},
    "granite": {"logits_scaling": 4.0},
    "cohere": {"logit_scale": 0.25},
    "hyperclovax": {"logits_scaling": 0.5},
    "gpt2": {"n_positions": 128},
    "gpt_neox": {},
    "qwen2": {"use_sliding_window": True, "sliding_window": WINDOW, "max_window_layers": 2},
}
WINDOWED = [name for name, extra in DECODERS.items() if "sliding_window" in extra]


def config_of(kind: str, **changed: Any) -> Any:
    """The configuration of a tiny model of that type."""
    return CONFIG_MAPPING[kind](**{**SIZES, **DECODERS.get(kind, {}), **changed})


def decoder_of(kind: str, attention: str | None = None, **changed: Any) -> PreTrainedModel:
    """A tiny decoder; its attention is the architecture's usual one unless told."""
    torch.manual_seed(0)
    config = config_of(kind, **changed)
    found: PreTrainedModel = AutoModelForCausalLM.from_config(
        config, **({"attn_implementation": attention} if attention else {})
    )
    return found.eval()
