"""Batches of token ids and targets, threads and precision. Importing it loads no training loop."""

from dataclasses import dataclass

import torch
from torch import Tensor

from plait.machine import cores

IGNORED = -100
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


@dataclass(frozen=True)
class Batch:
    """`inputs` of the network and, by task, `targets` (IGNORED where there is nothing to learn)."""

    inputs: dict[str, Tensor]
    targets: dict[str, Tensor]


def use_all_cores(threads: int) -> None:
    """Fix the number of threads (0: one a core): weights depend on it bit by bit."""
    torch.set_num_threads(threads or cores())


def resolve_precision(wanted: str) -> str:
    """`bf16` or `fp32`; `auto` takes bf16 where the GPU or CPU has it in hardware."""
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else "fp32"
