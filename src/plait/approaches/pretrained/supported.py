"""Which pretrained models plait can drive; others are refused by name, before weights are read."""

import inspect
import re
from pathlib import Path
from typing import Any

from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_MAPPING, AutoConfig

from plait.approaches.pretrained.masks import architecture, kinds
from plait.errors import PlaitError

DECODER = ("attention_mask", "position_ids", "past_key_values")
"""What a decoder's forward must take, so that alternatives share one pass and a cache."""
ENCODER = ("attention_mask",)
_SENSES = re.compile("vision|image|video|audio|speech")
SIZES = ("hidden_size", "num_hidden_layers", "vocab_size")


def body(folder: Path) -> Any:
    """The configuration of a model whose hidden states approach `heads` can read.

    Raises:
        PlaitError: plait can't drive such a model.
    """
    config = _text_model(folder)
    _takes(folder, config, ENCODER, "an encoder, or a decoder, of text")
    return config


def decoder(folder: Path) -> Any:
    """The configuration of a decoder that can be asked in words.

    Raises:
        PlaitError: plait can't drive such a model.
    """
    config = _text_model(folder)
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise _refused(
            folder, config, "is no causal language model", "Use it with approach heads alone."
        )
    kinds(config)
    _takes(folder, config, DECODER, "a decoder with attention masks and a cache of keys and values")
    return config


def _text_model(folder: Path) -> Any:
    config = _config(folder)
    text = config.get_text_config()
    others = [part for part in config.sub_configs if _SENSES.match(part)]
    if others or text is not config:
        such = f", such as one of model_type {text.model_type!r}" if text is not config else ""
        raise _refused(
            folder,
            config,
            f"reads more than text ({', '.join(others or config.sub_configs)})",
            f"Use a text-only checkpoint{such}.",
        )
    if config.is_encoder_decoder:
        raise _refused(
            folder,
            config,
            "is an encoder with a decoder (is_encoder_decoder), and plait needs one of the two",
            "Use an encoder such as BERT, or a decoder such as Llama.",
        )
    return config


def _config(folder: Path) -> Any:
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise PlaitError(
            f"{folder / 'config.json'}: transformers can't read this configuration "
            f"({str(error).splitlines()[0]}). Use a checkpoint of a model that this version of "
            "transformers has itself: plait runs no code of a checkpoint."
        ) from error


def _takes(folder: Path, config: Any, wanted: tuple[str, ...], what: str) -> None:
    """Refuse a model whose forward lacks an argument, or whose configuration lacks a size."""
    found = MODEL_MAPPING.get(type(config), None)
    if found is None:
        raise _refused(folder, config, "is no model of text", f"plait needs {what}.")
    model = found[0] if isinstance(found, tuple) else found
    known = inspect.signature(model.forward).parameters
    lacking = [name for name in wanted if name not in known]
    lacking += [name for name in SIZES if not hasattr(config, name)]
    if lacking:
        raise _refused(
            folder,
            config,
            f"has no {', '.join(lacking)}",
            f"plait needs {what}: use another backbone.",
        )


def _refused(folder: Path, config: Any, found: str, remedy: str) -> PlaitError:
    named = f"{folder / 'config.json'}: architecture {architecture(config)}"
    return PlaitError(f"{named} {found}. {remedy}")
