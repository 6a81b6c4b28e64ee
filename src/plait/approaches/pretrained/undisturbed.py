"""A look at a model that leaves it, and the training after it, bit by bit as they were."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from transformers import PreTrainedModel


@contextmanager
def undisturbed(model: PreTrainedModel) -> Iterator[None]:
    """No dropout and no gradient within; modes and random numbers go on after it as before."""
    modes = [(module, module.training) for module in model.modules()]
    devices = [model.device] if model.device.type == "cuda" else []
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices):
            yield
    finally:
        for module, training in modes:
            module.training = training
