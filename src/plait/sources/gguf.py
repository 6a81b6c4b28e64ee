"""Convert a GGUF file to safetensors and a tokenizer, so that the model can be trained."""

import sys
from pathlib import Path

from plait.errors import PlaitError


def dequantise(folder: Path, name: str) -> None:
    """Convert the folder's GGUF file to bfloat16 safetensors and remove it.

    Raises:
        PlaitError: the file is missing or transformers cannot read it.
    """
    if not (folder / name).is_file():
        raise PlaitError(f"{folder.name}.gguf: the source has no file {name!r}")
    print(f"{name}: converting to safetensors takes half a minute", file=sys.stderr)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    unpacked = GgufConfig(dequantize=True)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            gguf_file=name,
            dtype=torch.bfloat16,
            quantization_config=unpacked,
            trust_remote_code=False,
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name, trust_remote_code=False)
    except (ValueError, KeyError, OSError, NotImplementedError) as error:
        raise PlaitError(
            f"{folder.name}: transformers cannot read the GGUF file {name!r}: {error}. "
            "Choose another file, or a source with safetensors."
        ) from error
    (folder / name).unlink()
    # transformers refuses to save a model that it loaded as quantised, so copy the plain weights.
    plain = type(model)(model.config).to(torch.bfloat16)
    plain.load_state_dict(model.state_dict())
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
