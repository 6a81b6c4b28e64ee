"""Decoders of a shape that nobody trained: what fine-tuning them costs on this device."""

import gc
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from datasets import Dataset
from plait.approaches.generative.completion import Completion, pad
from plait.benchmark.latency import synchronise
from plait.errors import PlaitError
from plait.settings import Lora, Training
from plait.training.batches import Batch
from plait.training.loop import fit
from plait.training.methods import adapt

SHAPES: Mapping[str, dict[str, int]] = {
    "1.2B": {  # Llama 3.2's
        "hidden_size": 2048,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 8192,
        "vocab_size": 128_256,
    },
    "8B": {  # Llama 3.1's
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 14_336,
        "vocab_size": 128_256,
    },
}
TINY = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "vocab_size": 500,
}
STEPS, BATCH, LENGTH, ANSWER = 6, 4, 1024, 32


class Enough(Exception):  # noqa: N818 - nothing went wrong
    """The steps are made: the weights are worth nothing, so none are kept."""


class Random:
    """A random decoder that learns random answers to random prompts."""

    def __init__(self, model: LlamaForCausalLM) -> None:
        self.pretrained = model
        self.module: nn.Module = Completion(model)
        self.begun: list[float] = []

    def collate(self, dataset: str, rows: Sequence[Mapping[str, Any]]) -> Batch:
        """Notes when each step begins."""
        synchronise()
        self.begun.append(time.perf_counter())
        return pad([(row["input_ids"], ANSWER) for row in rows])


def trained(name: str, method: str, dry: bool) -> dict[str, Any]:
    """Some steps with activation checkpointing: rate and memory, or where memory ended."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    length = 64 if dry else LENGTH
    line = {"shape": name, "method": method, "batch": BATCH, "tokens of a text": length}
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    try:
        found = _steps(TINY if dry else SHAPES[name], method, length, device)
    except (PlaitError, torch.OutOfMemoryError) as error:
        found = {"parameters": None, "tokens a second": None, "ended": str(error)[:500]}
    gc.collect()
    memory = torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else None
    if device == "cuda":
        torch.cuda.empty_cache()
    return {**line, **found, "peak GiB": memory and round(memory, 2)}


def _steps(shape: Mapping[str, int], method: str, length: int, device: str) -> dict[str, Any]:
    torch.manual_seed(0)
    config = LlamaConfig(**shape, max_position_embeddings=length, tie_word_embeddings=True)
    with torch.device(device):
        model = LlamaForCausalLM(config)
    settings = Training(
        epochs=1,
        batch_size=BATCH,
        evaluations=1,
        checkpoint_seconds=3600,
        gradient_checkpointing=True,
        lora=Lora(rank=16),
    )
    adapt(method, model, settings)
    learner = Random(model)
    ids = torch.randint(1, shape["vocab_size"], (STEPS * BATCH, length)).tolist()
    rows = Dataset.from_dict({"input_ids": ids, "length": [length] * len(ids)})

    def stop() -> dict[str, float]:
        raise Enough

    with tempfile.TemporaryDirectory() as scratch:
        try:
            fit(learner, {"random": rows}, stop, settings, 0, Path(scratch), {}, "random")
        except Enough:
            synchronise()
    ended, power = time.perf_counter(), watts()
    tokens = BATCH * length * (len(learner.begun) - 1)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "tokens a second": round(tokens / (ended - learner.begun[1])),
        "watts": power,
        "ended": "",
    }


def watts() -> int | None:
    """What the card draws, by its driver's counter; None without a card or the extra `gpu`."""
    try:
        return round(torch.cuda.power_draw() / 1000) if torch.cuda.is_available() else None
    except ModuleNotFoundError:
        return None
