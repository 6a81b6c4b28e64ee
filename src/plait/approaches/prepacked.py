"""Linear layers of a model that only answers, on a CPU: weights in float16, sums in float32.

A short text, or a few tokens of an answer, cost the time in which the weights are read from memory:
half as much for half as many bytes. Weights keep 11 significant bits, where bfloat16 keeps 8.
"""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

ENGINE = "fbgemm"  # the library that multiplies so, on x86 with AVX2


class Prepacked(nn.Module):
    """Replaces a linear layer. It has no gradient and can't be saved.

    Weights beyond the range of float16 become its largest number (65,504).
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.size = sum(parameter.numel() for parameter in linear.parameters())
        weight, bias = linear.weight.detach(), linear.bias
        self.packed = torch.ops.quantized.linear_prepack_fp16(
            weight, None if bias is None else bias.detach()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(… × inputs) to (… × outputs)."""
        found: Tensor = torch.ops.quantized.linear_dynamic_fp16(x, self.packed)
        return found

    def state_dict(self, *_: object, **__: object) -> dict[str, Tensor]:  # type: ignore[override]
        """Raises: its weights are rounded.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("this model was loaded for answers: its weights can't be saved")


def to_device(model: nn.Module) -> None:
    """Move a model to the accelerator, if there is one, for inference."""
    model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def to_bfloat16(model: PreTrainedModel) -> None:
    """Turn the linear layers of `model.base_model` into bfloat16 once, instead of at each pass."""
    for module in model.base_model.modules():
        if isinstance(module, nn.Linear):
            module.to(torch.bfloat16)


def prepack(model: PreTrainedModel, precision: str) -> None:
    """Replace the linear layers of `model.base_model` where that is faster: float32 on a CPU.

    With precision `bf16` they become bfloat16. The head of the vocabulary stays: single rows of it
    are read.
    """
    if precision == "bf16":
        to_bfloat16(model)
        return
    if ENGINE not in torch.backends.quantized.supported_engines:
        return
    for module in list(model.base_model.modules()):
        for name, child in module.named_children():
            pays = type(child) is nn.Linear and child.weight.dtype == torch.float32
            if pays and child.weight.device.type == "cpu":
                setattr(module, name, Prepacked(child))


def parameters_count(model: nn.Module) -> int:
    """Number of parameters, packed ones included."""
    packed = (module.size for module in model.modules() if isinstance(module, Prepacked))
    return sum(parameter.numel() for parameter in model.parameters()) + sum(packed)
