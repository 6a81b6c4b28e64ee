"""One of plait's heads within the modules of a standard class, whose forward pass is another.

plait's head is linear on the mean of a text's vectors. Standard classes of encoders read the first
token's vector and have a dense layer with an activation before the linear one; those of decoders
have no bias. Weights are chosen here such that their forward pass computes plait's logits:

- **The mean**: one more layer. With queries and keys of zero its attention is uniform, so each
  token gets the mean of all values. Its output projection writes the logits into the first places.
  LayerNorm would divide by what the text holds; two anchors of opposite sign, far larger than all
  else, make its divisor a constant, and the scale in front of the logits makes the residual vanish.
- **The dense layer**: `tanh(e x) / e` is x for a small e; for ReLU and GELU `f(x) - f(-x)` is x
  exactly.
- **The bias**: in a LayerNorm's bias; or in that of the values of one more layer, each of whose
  tokens attends to itself alone, since its queries and keys are constants that RoPE turns by their
  positions.

All of it is exact up to rounding in float32, about 1e-5 in a logit; float16 has no room for the
anchors.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

SCALE = 1e7
"""How much larger than the residual the logits are written."""
ANCHOR = 1e5
"""How much larger than the logits the anchors are."""
SMALL = 1e-5
"""Within it tanh is linear in float32."""
SHARP = 300.0
"""Of queries and keys: scores of a token and itself then exceed all others by hundreds."""
PLACES = 3
"""Places of a vector beside the logits: two anchors, and one that stays zero, the reference."""


class TooNarrowError(Exception):
    """The model is too narrow for that many classes."""


@dataclass(frozen=True)
class Layer:
    """The linear layers and norms of a layer of an encoder that normalises after each addition."""

    value: nn.Linear
    mixed: nn.Linear
    norm: Any
    narrow: nn.Linear
    last_norm: Any


def require(classes: int, size: int) -> None:
    """Raises: `TooNarrowError`."""
    if classes > size:
        raise TooNarrowError(f"{classes} of its {size} places would be needed")


@torch.no_grad()
def average(whole: nn.Module, layer: Layer, weight: Tensor) -> None:
    """Let a layer write `weight @ mean` into the first places of every token's vector.

    Args:
        whole: the layer as a module.
        weight: of the head (classes × size).
    """
    classes, size = weight.shape
    require(classes + PLACES, size)
    for parameter in whole.parameters():
        parameter.zero_()
    layer.value.weight.copy_(torch.eye(size))
    layer.mixed.weight[:classes] = SCALE * weight
    _anchored(layer.mixed.bias, layer.norm.weight, SCALE * ANCHOR, SCALE, classes)
    _anchored(layer.narrow.bias, layer.last_norm.weight, ANCHOR, 1.0, classes)


def _anchored(bias: Tensor, gain: Tensor, anchor: float, scale: float, classes: int) -> None:
    """A norm whose divisor is that of two anchors; logits and reference come out divided by
    `scale`.
    """
    size = len(bias)
    bias[-2], bias[-1] = anchor, -anchor
    gain[: classes + 1] = anchor * (2 / size) ** 0.5 / scale


@torch.no_grad()
def through_dense(dense: nn.Linear, out: nn.Linear, bias: Tensor, small: float = SMALL) -> None:
    """Logits from the first places of a vector, through a dense layer and tanh.

    Args:
        small: by which tanh's values are scaled; 1 where there is no tanh.
    """
    classes = len(bias)
    _clear(dense, out)
    for place in range(classes):
        dense.weight[place, place], dense.weight[place, classes] = small, -small
        out.weight[place, place] = 1 / small
    out.bias.copy_(bias)


@torch.no_grad()
def through_rectifier(dense: nn.Linear, out: nn.Linear, bias: Tensor) -> None:
    """Logits from the first places of a vector, through a dense layer and ReLU or GELU."""
    classes, size = len(bias), dense.in_features
    require(2 * classes, size)
    _clear(dense, out)
    rows = torch.eye(classes, size)
    rows[:, classes] = -1
    dense.weight[0 : 2 * classes : 2], dense.weight[1 : 2 * classes : 2] = rows, -rows
    for place in range(classes):
        out.weight[place, 2 * place], out.weight[place, 2 * place + 1] = 1.0, -1.0
    out.bias.copy_(bias)


@torch.no_grad()
def through_norm(
    dense: nn.Linear, norm: nn.LayerNorm, out: nn.Linear, weight: Tensor, bias: Tensor
) -> None:
    """`weight @ vector + bias` through a dense layer without activation, and a LayerNorm."""
    classes, size = weight.shape
    require(classes + PLACES, size)
    _clear(dense, out)
    norm.weight.zero_()
    dense.weight[:classes] = weight
    _anchored(dense.bias, norm.weight, ANCHOR, 1.0, classes)
    for place in range(classes):
        out.weight[place, place], out.weight[place, classes] = 1.0, -1.0
    out.bias.copy_(bias)


@torch.no_grad()
def _clear(*layers: nn.Linear) -> None:
    for layer in layers:
        layer.weight.zero_()
        if layer.bias is not None:
            layer.bias.zero_()


@torch.no_grad()
def into_norm(norm: Any, score: nn.Linear, weight: Tensor, bias: Tensor) -> None:
    """A linear layer without bias, after a norm with one, whose bias then gives the head's."""
    require(len(bias), weight.shape[1])
    score.weight.copy_(weight)
    needed = torch.linalg.lstsq(weight.double(), bias.double()[:, None]).solution[:, 0]
    norm.bias += needed.to(norm.bias.dtype)


@torch.no_grad()
def into_attention(layer: Any, norm: Any, score: nn.Linear, weight: Tensor, bias: Tensor) -> None:
    """A linear layer without bias, after one more layer whose queries, keys and values have one.

    The values are the head's logits of what the model's last `norm` gave, and an anchor, which
    makes the divisor of that norm a constant.
    """
    own = layer.self_attn
    classes, size, head = *weight.shape, own.head_dim
    require(classes + 1, min(size, own.v_proj.out_features))
    for parameter in layer.parameters():
        parameter.zero_()
    layer.input_layernorm.weight.copy_(norm.weight)
    for part in (own.q_proj.bias, own.k_proj.bias):
        part.fill_(SHARP)
    for part in (getattr(own, "q_norm", None), getattr(own, "k_norm", None)):
        if part is not None:
            part.weight.fill_(SHARP)
    own.v_proj.weight[:classes], own.v_proj.bias[:classes] = weight, bias
    own.v_proj.bias[classes] = 1.0
    shared = own.q_proj.out_features // own.k_proj.out_features
    columns = [place // head * shared * head + place % head for place in range(classes + 1)]
    own.o_proj.weight[range(classes), columns[:-1]] = SCALE
    own.o_proj.weight[-1, columns[-1]] = SCALE * ANCHOR
    score.weight.copy_(torch.eye(classes, size))
    norm.weight.zero_()
    norm.weight[:classes] = ANCHOR / size**0.5
