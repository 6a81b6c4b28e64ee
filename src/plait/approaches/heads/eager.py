"""Answers by torch: of a network in training, on a GPU, or that has no graph."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from transformers import AutoModel

from plait.approaches.heads.agreement import check_heads
from plait.approaches.heads.kept import BACKBONE, WEIGHTS, Kept
from plait.approaches.heads.network import Network
from plait.approaches.prepacked import to_bfloat16, to_device
from plait.approaches.pretrained import supported
from plait.files import read_json
from plait.tasks import Task


class Eager:
    """A network in float32, or by autocast in bfloat16."""

    best_tokens: int | None = None

    def __init__(self, network: Network, precision: str) -> None:
        self.network, self.precision = network, precision

    @classmethod
    def load(cls, folder: Path, tasks: tuple[Task, ...], kept: Kept) -> "Eager":
        """The network of a bundle, on the GPU if there is one."""
        own = folder / BACKBONE
        config = supported.body(own)
        encoder = AutoModel.from_config(config, trust_remote_code=False, **pooler(own))
        network = Network(encoder, tasks, kept.reading)
        network.load_state_dict(load_file(folder / WEIGHTS))
        to_device(network)
        check_heads(network, kept.max_length)
        if kept.precision == "bf16":
            to_bfloat16(encoder)
        return cls(network, kept.precision)

    @torch.inference_mode()
    def logits(self, inputs: Mapping[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        """Of each task in turn: (batch × classes), or for tagging (batch × length × classes).

        Args:
            inputs: `input_ids` and `attention_mask` (batch × length).
        """
        self.network.eval()
        device = next(self.network.parameters()).device
        with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            found = self.network.logits(
                {name: torch.from_numpy(value).to(device) for name, value in inputs.items()},
                [task.name for task in self.network.tasks],
            )
        return [found[task.name].float().cpu().numpy() for task in self.network.tasks]

    def thresholds(self, task: Task) -> NDArray[np.float32]:
        """From which probability each label of a multilabel task applies (labels)."""
        return self.network.thresholds(task.name).cpu().numpy()

    def parameters_count(self) -> int:
        """Number of weights."""
        return sum(parameter.numel() for parameter in self.network.parameters())


def pooler(folder: Path) -> dict[str, bool]:
    """Leave out the pooler of BERT and RoBERTa, which no head uses."""
    kind = read_json(folder / "config.json").get("model_type")
    return {"add_pooling_layer": False} if kind in ("bert", "roberta", "xlm-roberta") else {}
