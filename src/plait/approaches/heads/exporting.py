"""Export a network to an ONNX graph, whose weights are those of the safetensors file beside it.

The graph holds no weight: each initializer names its place in the safetensors file (ONNX "external
data"), so a bundle holds the weights once, and ONNX Runtime maps them into memory.

The exporter is the one that traces (`dynamo=False`): its graphs have equal bytes whenever they are
made again, those of `dynamo=True` had not for decoders, and took ten times as long.
"""

import json
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from plait.approaches.heads.eager import Eager
from plait.approaches.heads.graph import OnnxGraph
from plait.approaches.heads.kept import GRAPH, WEIGHTS
from plait.approaches.heads.network import Network
from plait.approaches.pretrained.limits import ordinary
from plait.approaches.pretrained.undisturbed import undisturbed
from plait.progress import Progress
from plait.training.memory import is_out_of_memory

OPSET = 18
CLOSE = 1e-4
"""The most that a logit may differ from torch's in float32, by the largest logit if that is > 1."""
TRACED, SHORT = (2, 7), 64
"""Texts and tokens of the example that is traced; and tokens that are tried at least."""
_WINDOWS = ("sliding_window", "local_attention", "attention_window")
_INPUTS = ("input_ids", "attention_mask")


def export(network: Network, folder: Path, max_length: int) -> str | None:
    """Write the graph of a network whose weights stand in the folder, and compare its logits.

    Returns:
        Why there is no graph; None where there is one.
    """
    device = network.encoder.device
    with Progress(1, "ONNX graph", "graph") as bar:
        try:
            with undisturbed(network.encoder):
                network.cpu().eval()
                _write(network, folder)
                reason = _compared(network, folder, max_length)
        except Exception as error:  # whatever the exporter or the runtime raises
            if is_out_of_memory(error):
                raise
            reason = f"its architecture can't be exported to ONNX ({type(error).__name__})"
        finally:
            network.to(device)
        bar.update()
    if reason:
        (folder / GRAPH).unlink(missing_ok=True)
    return reason


class _Flat(nn.Module):
    """Tensors in, tensors out."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        names = [task.name for task in self.network.tasks]
        inputs = dict(zip(_INPUTS, (input_ids, attention_mask), strict=True))
        return tuple(self.network.logits(inputs, names).values())


def _write(network: Network, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that a trace fixes: the comparison finds those
        _trace(network, Path(scratch, GRAPH))
        model = onnx.load(Path(scratch, GRAPH))
    _refer(model.graph, folder / WEIGHTS)
    (folder / GRAPH).write_bytes(model.SerializeToString(deterministic=True))


def _trace(network: Network, path: Path) -> None:
    """Without weights: they become inputs of the graph, named as in the network's state."""
    ids = torch.full(TRACED, ordinary(network.encoder.config, 1)[0])
    mask = torch.ones_like(ids)
    mask[1, -2:] = 0
    outputs = [f"logits{index}" for index in range(len(network.tasks))]
    axes = {0: "batch", 1: "length"}
    tagging = {o for o, task in zip(outputs, network.tasks, strict=True) if not task.whole_text}
    torch.onnx.export(
        _Flat(network),
        (ids, mask),
        path,
        dynamo=False,
        export_params=False,
        do_constant_folding=False,  # it would transpose weights, which then are others
        opset_version=OPSET,
        input_names=list(_INPUTS),
        output_names=outputs,
        dynamic_axes={
            **dict.fromkeys(_INPUTS, axes),
            **{name: axes if name in tagging else {0: "batch"} for name in outputs},
        },
    )


def _refer(graph: Any, weights: Path) -> None:
    """Turn the inputs that are weights into references to the safetensors file."""
    places = dict(_places(weights))
    inputs = [value for value in graph.input if value.name not in _INPUTS]
    for value in inputs:
        offset, length = places[value.name.removeprefix("network.")]
        found = graph.initializer.add(
            name=value.name,
            data_type=value.type.tensor_type.elem_type,
            dims=[each.dim_value for each in value.type.tensor_type.shape.dim],
            data_location=onnx.TensorProto.EXTERNAL,
        )
        for key, said in (("location", WEIGHTS), ("offset", offset), ("length", length)):
            found.external_data.add(key=key, value=str(said))
        graph.input.remove(value)


def _places(weights: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """By name, where a tensor's bytes begin in a safetensors file, and how many they are.

    The format: the header's length in eight bytes, the header in JSON, then the tensors.
    """
    with weights.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(length))
    for name, value in header.items():
        if name != "__metadata__":
            begin, end = value["data_offsets"]
            yield name, (8 + length + begin, end - begin)


def _compared(network: Network, folder: Path, max_length: int) -> str | None:
    """Texts alone, one token, and texts of many lengths in a batch."""
    longest = _long(network, max_length)
    ids = ordinary(network.encoder.config, longest)
    graph, own = OnnxGraph(folder, network.tasks), Eager(network, "fp32")
    for lengths in ([1], [longest], [longest, longest // 2 + 1, 1]):
        inputs = _inputs(ids, lengths)
        apart = _difference(inputs["attention_mask"], graph.logits(inputs), own.logits(inputs))
        if not apart <= CLOSE:  # not a number is refused, too
            return (
                f"the logits of its ONNX graph differ from PyTorch's by {apart:.1g}, "
                f"at most {CLOSE:g} may be"
            )
    return None


def _long(network: Network, max_length: int) -> int:
    """A length that exceeds the model's window, if a text may exceed it."""
    config = network.encoder.config
    windows = [int(getattr(config, name, 0) or 0) for name in _WINDOWS]
    return min(max_length, max(SHORT, *(window + 2 for window in windows)))


def _inputs(ids: Sequence[int], lengths: Sequence[int]) -> Mapping[str, NDArray[np.int64]]:
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    found = np.where(mask, np.array(ids[: max(lengths)]), 0)
    return dict(zip(_INPUTS, (found, mask.astype(np.int64)), strict=True))


def _difference(
    mask: NDArray[np.int64],
    found: Sequence[NDArray[np.float32]],
    own: Sequence[NDArray[np.float32]],
) -> float:
    """The largest of any logit that is read."""
    pairs = [
        (left[mask > 0], right[mask > 0]) if left.ndim > 2 else (left, right)
        for left, right in zip(found, own, strict=True)
    ]
    return max(
        float(np.abs(left - right).max() / max(1, np.abs(right).max())) for left, right in pairs
    )
