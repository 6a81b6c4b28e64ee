"""Linear layers on a CPU whose weights lie as the processor reads them.

A short text, or a few tokens of an answer, cost more time for laying out the weights anew, as
`torch.nn.functional.linear` does for every call, than for arithmetic.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


class Prepacked(nn.Module):
    """Stands for a linear layer in float32, for answers alone: it has no gradient."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), None)
        self.weight = nn.Parameter(packed, requires_grad=False)
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """(… × inputs) to (… × outputs)."""
        found: Tensor = torch.ops.mkldnn._linear_pointwise(
            x, self.weight, self.bias, "none", [], ""
        )
        return found


def ready(model: nn.Module, backbone: PreTrainedModel) -> None:
    """Make `model`, which holds `backbone`, ready for answers alone.

    It goes to the accelerator where there is one, else it is packed for the CPU.
    """
    model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    prepack(backbone)


def prepack(model: PreTrainedModel) -> None:
    """Replace the linear layers of `model.base_model` where that pays: float32 on a CPU.

    The head of the vocabulary stays: single rows of it are read.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return
    for module in list(model.base_model.modules()):
        for name, child in module.named_children():
            pays = type(child) is nn.Linear and child.weight.dtype == torch.float32
            if pays and child.weight.device.type == "cpu":
                setattr(module, name, Prepacked(child))


def plain(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dictionary with prepacked weights laid out as they were."""
    return {name: value.to_dense() if value.is_mkldnn else value for name, value in weights.items()}
