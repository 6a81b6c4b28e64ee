"""One forward pass of a model as plait answers with it on a CPU, against the model as it comes.

Encoder with heads (`--backbone minilm`): ONNX Runtime, by the graph of a saved bundle, against
eager torch in float32, and in bfloat16. `onnx_over_eager` says how many times faster it is.

Decoder (`--backbone smollm2`): weights packed in float16 (plait.approaches.prepacked), against
float32.

All read the same tokens in turns; each ratio is of medians within this run.
"""

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, PreTrainedModel

from massive import backbone
from plait.approaches.base import Resolved
from plait.approaches.heads.eager import Eager
from plait.approaches.heads.graph import OnnxGraph
from plait.approaches.heads.learning import LearnedHeads
from plait.approaches.prepacked import prepack, to_bfloat16
from plait.benchmark.latency import machine
from plait.settings import Training
from plait.tasks import Task
from plait.training.batches import use_all_cores

LENGTHS = (1, 4, 16, 64, 256)
SHAPES = ((1, 12), (32, 12), (128, 12), (1, 48), (32, 48), (1, 256), (8, 256))
"""Texts and tokens of a batch."""
LABELS, TYPES = 60, 55
"""As many as MASSIVE's intents, and types of slots."""
EAGER = "eager float32"

Clock = Callable[[], float]
CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "cpu": time.process_time}
Way = Callable[[Mapping[str, Any]], object]


def arguments() -> argparse.Namespace:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--backbone", choices=["minilm", "smollm2"], default="minilm")
    made.add_argument("--rounds", type=int, default=25, help="passes of each (25: a minute)")
    made.add_argument("--threads", type=int, default=0, help="of each (0: one a core)")
    made.add_argument(
        "--clock",
        choices=list(CLOCKS),
        default="wall",
        help="cpu: the time that the processor worked, for one thread on a busy machine",
    )
    return made.parse_args()


def medians(
    ways: Mapping[str, Way], inputs: Mapping[str, Any], rounds: int, clock: Clock
) -> dict[str, float]:
    """Milliseconds a pass of each way; the ways take turns."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 2):
        for name, way in ways.items():
            start = clock()
            way(inputs)
            found = 1000 * (clock() - start)
            times[name] += [found] if number > 1 else []
    return {name: statistics.median(found) for name, found in times.items()}


def tokens(texts: int, length: int) -> dict[str, Any]:
    ids = np.random.default_rng(0).integers(1000, 20_000, (texts, length))
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def heads(folder: Path, rounds: int, clock: Clock) -> None:
    tasks = (
        Task("intent", "", "classification", "", tuple(map(str, range(LABELS))), "accuracy"),
        Task("slots", "", "tagging", "", tuple(map(str, range(TYPES))), "span_f1"),
    )
    settings = Training(max_length=256, precision="fp32")
    made = Resolved("heads", folder.name, "heads", "full", tasks, settings.model_dump(), 0)
    model = LearnedHeads.build(made, folder, settings)
    with tempfile.TemporaryDirectory() as scratch:
        start = time.perf_counter()
        model.save(Path(scratch))
        print(f"saved with its graph in {time.perf_counter() - start:.1f} s")
        graph = OnnxGraph(Path(scratch), tasks)
    half = copy.deepcopy(model.module)
    to_bfloat16(half.encoder)
    rounded = Eager(half, "bf16")
    ways = {EAGER: model.engine.logits, "eager bf16": rounded.logits, "onnx": graph.logits}
    for texts, length in SHAPES:
        inputs = tokens(texts, length)
        pairs = zip(graph.logits(inputs), model.engine.logits(inputs), strict=True)
        apart = max(float(np.abs(left - right).max()) for left, right in pairs)
        found = medians(ways, inputs, rounds, clock)
        shown = ", ".join(f"{name} {value:.1f} ms" for name, value in found.items())
        print(f"{texts} x {length} tokens: {shown}; logits differ by {apart:.1g}")
        print(f"onnx_over_eager: {found[EAGER] / found['onnx']:.2f}")
        print(f"onnx_over_bf16: {found['eager bf16'] / found['onnx']:.2f}")


def packed(folder: Path, rounds: int, clock: Clock) -> None:
    plain, ours = model_of(folder), model_of(folder)
    prepack(ours, "fp32")
    ways = {"plain": answers(plain), "packed": answers(ours)}
    for length in LENGTHS:
        found = medians(
            ways, {"input_ids": torch.from_numpy(tokens(1, length)["input_ids"])}, rounds, clock
        )
        print(
            f"{length} tokens: plain {found['plain']:.1f} ms, packed {found['packed']:.1f} ms, "
            f"ratio {found['plain'] / found['packed']:.2f}"
        )


def model_of(folder: Path) -> PreTrainedModel:
    found: PreTrainedModel = AutoModel.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True
    )
    return found.eval()


def answers(model: PreTrainedModel) -> Way:
    @torch.inference_mode()
    def answer(inputs: Mapping[str, Any]) -> object:
        return model(**inputs)

    return answer


def main() -> None:
    options = arguments()
    use_all_cores(options.threads)
    print(
        f"{options.backbone}, {options.rounds} passes of each, {options.clock} clock, {machine()}"
    )
    shown = heads if options.backbone == "minilm" else packed
    shown(backbone(options.backbone), options.rounds, CLOCKS[options.clock])


if __name__ == "__main__":
    main()
