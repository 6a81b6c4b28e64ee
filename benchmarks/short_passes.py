"""One forward pass of a model as plait answers with it on a CPU, against the model as it comes.

Weights packed in float16 for answers (plait.approaches.prepacked) and the same model in float32
read the same tokens in turns; each ratio is of medians within this run.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch
from transformers import AutoModel, PreTrainedModel

from massive import backbone
from plait.approaches.prepacked import prepack
from plait.benchmark.latency import machine
from plait.training.batches import use_all_cores

LENGTHS = (1, 4, 16, 64, 256)


def arguments() -> argparse.Namespace:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--backbone", choices=["minilm", "smollm2"], default="smollm2")
    made.add_argument("--rounds", type=int, default=25, help="passes of each (25: half a minute)")
    return made.parse_args()


def model_of(folder: Path) -> PreTrainedModel:
    found: PreTrainedModel = AutoModel.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True
    )
    return found.eval()


@torch.inference_mode()
def milliseconds(model: PreTrainedModel, tokens: torch.Tensor) -> float:
    start = time.perf_counter()
    model(input_ids=tokens)
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    options = arguments()
    use_all_cores(0)
    folder = backbone(options.backbone)
    plain, packed = model_of(folder), model_of(folder)
    prepack(packed, "fp32")
    print(f"{options.backbone}, {options.rounds} passes of each, {machine()}")
    for length in LENGTHS:
        tokens = torch.randint(100, 20_000, (1, length), generator=torch.Generator().manual_seed(0))
        pairs = [
            (milliseconds(plain, tokens), milliseconds(packed, tokens))
            for _ in range(options.rounds + 2)
        ][2:]
        usual, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
        print(
            f"{length} tokens: plain {usual:.1f} ms, packed {ours:.1f} ms, ratio {usual / ours:.2f}"
        )


if __name__ == "__main__":
    main()
