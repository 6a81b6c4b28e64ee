"""A GGUF file → safetensors and a tokenizer that can be trained."""

import sys
from pathlib import Path

from plait.errors import PlaitError


def dequantise(folder: Path, name: str) -> None:
    """Turn the folder's GGUF file into bfloat16 safetensors; the file itself goes.

    Raises:
        PlaitError: the file is missing or transformers cannot read it.
    """
    if not (folder / name).is_file():
        raise PlaitError(f"{folder.name}.gguf: the source has no file {name!r}")
    print(f"{name}: turned into safetensors, which takes half a minute", file=sys.stderr)
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
            "Name another file, or a source of safetensors."
        ) from error
    (folder / name).unlink()
    # The loaded model counts as quantised and would not be saved; its weights are plain by now.
    plain = type(model)(model.config).to(torch.bfloat16)
    plain.load_state_dict(model.state_dict())
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
