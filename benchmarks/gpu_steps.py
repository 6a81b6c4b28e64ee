"""The steps of gpu_campaign.py: each is a process of its own, which writes what it finds.

`python benchmarks/gpu_steps.py STEP FOLDER [--dry]` runs one step. FOLDER has `backbones/minilm`,
`backbones/smollm2` and `mirror/` in upstream's layout; the step writes `FOLDER/found/STEP.json`
anew whenever it has found more: tables (lists of lines) and single values, by title.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import truediv
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoTokenizer

import gpu_shapes
import llm_latency
import llm_throughput
import training_throughput
from gpu_page import write
from massive import ROOT
from massive import rows as massive_rows
from plait.benchmark.latency import percentiles, synchronise
from plait.tasks import Row, Task
from plait.training.batches import resolve_precision, use_all_cores

Found = dict[str, Any]
"""By title: a table (a list of dictionaries with equal keys), or a single value."""
SHEETS = {"H100": 989.4, "H200": 989.4, "A100": 312.0, "L4": 121.0, "A10": 125.0, "T4": 65.0}
"""Dense bf16 (T4: fp16) TFLOP/s of the makers' data sheets, by a part of the card's name."""
UTILISATION = (
    "model FLOP utilisation = tokens/s × (6 × parameters in layers + 12 × layers × width × tokens "
    "of a text) / the rate of a large matrix product on this device; embeddings, vocabulary scores "
    "and padding count nothing (Chowdhery et al. 2022, arXiv 2204.02311, appendix B)"
)


@dataclass(frozen=True)
class Place:
    """Where a step finds its data and backbones, and how large it may be."""

    folder: Path
    dry: bool

    @property
    def massive(self) -> Path:
        return self.folder / "mirror/massive/1.1/data"

    def backbone(self, name: str) -> Path:
        return self.folder / "backbones" / name

    def rows(self, count: int) -> list[Row]:
        return massive_rows(self.massive, 24 if self.dry else count)

    def sizes(self, whole: Sequence[int], dry: Sequence[int]) -> Sequence[int]:
        return dry if self.dry else whole


def tests(place: Place) -> Iterator[Found]:
    """The tests that need a device."""
    report = place.folder / "found/tests.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests/gpu"]
    command += [f"--junitxml={report}"]
    if place.dry:
        command += ["-k", "encoder-full or holds"]  # the others take minutes on a CPU
    environment = {**os.environ, **({"PLAIT_GPU_DRY": "1"} if place.dry else {})}
    subprocess.run([*command, "-p", "no:cacheprovider"], cwd=ROOT, env=environment, check=False)
    cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - our own file
    yield {"tests": [_case(case) for case in cases]}


def _case(case: ElementTree.Element) -> dict[str, Any]:
    wrong = {name: case.find(name) for name in ("failure", "error", "skipped")}
    state, why = next(
        ((name, each.get("message", "")) for name, each in wrong.items() if each is not None),
        ("passed", ""),
    )
    return {
        "test": case.get("name"),
        "state": state,
        "seconds": round(float(case.get("time", 0)), 1),
        "message": " ".join(why.split())[:300],
    }


def rate_minilm(place: Place) -> Iterator[Found]:
    """Training rate of an encoder, padded, against transformers.Trainer."""
    train, weights = place.rows(6000), place.backbone("minilm")
    labels = tuple(sorted({str(row.labels["intent"]) for row in train}))
    task = Task("intent", "massive", "classification", "intent", labels, "accuracy")
    tokens = statistics.mean(_lengths(weights, train, 64))

    def ways(size: int) -> dict[str, Callable[[], float]]:
        arguments = (task, train, weights, "auto", size)
        return {
            "transformers.Trainer": lambda: training_throughput.trainer_rate(*arguments) * tokens,
            "plait": lambda: training_throughput.plait_rate(*arguments) * tokens,
        }

    yield from _rates(place, weights, tokens, ways, place.sizes((32, 256), (8,)))


def rate_smollm2(place: Place) -> Iterator[Found]:
    """Training rate of a decoder, padded and packed, against transformers.Trainer."""
    train, weights = place.rows(2000), place.backbone("smollm2")
    tasks = llm_throughput.tasks_of(train)

    def ways(size: int) -> dict[str, Callable[[], float]]:
        return {
            "transformers.Trainer": lambda: llm_throughput.theirs(tasks, train, weights, size),
            "plait, padded": lambda: llm_throughput.ours(tasks, train, weights, False, size),
            "plait, packed": lambda: llm_throughput.ours(tasks, train, weights, True, size),
        }

    yield from _rates(place, weights, 100, ways, place.sizes((16, 128), (4,)))


def _rates(
    place: Place,
    weights: Path,
    tokens: float,
    ways: Callable[[int], dict[str, Callable[[], float]]],
    sizes: Sequence[int],
) -> Iterator[Found]:
    """Tokens a second by batch size, the ways taking turns; the first round is a warm-up."""
    peak = peak_rate(place.dry)
    work = flops_a_token(weights, tokens)
    lines: list[dict[str, Any]] = []
    for size in sizes:
        taking = ways(size)
        count = 2 if place.dry else 3
        rounds = [{name: way() for name, way in taking.items()} for _ in range(count)]
        usual = [each["transformers.Trainer"] for each in rounds[1:]]
        for name in rounds[0]:
            found = [each[name] for each in rounds[1:]]
            rate = statistics.median(found)
            lines.append(
                {
                    "way": name,
                    "batch": size,
                    "tokens a second": round(rate),
                    "over Trainer": round(statistics.median(map(truediv, found, usual)), 3),
                    "utilisation": round(rate * work / peak, 5),
                }
            )
        yield {
            "rates": lines,
            "precision": resolve_precision("auto"),
            "matrix product, TFLOP/s": round(peak / 1e12, 2),
            "data sheet, TFLOP/s": data_sheet(),
            "formula": UTILISATION,
        }


def _lengths(weights: Path, rows: Sequence[Row], most: int) -> list[int]:
    tokenizer = AutoTokenizer.from_pretrained(weights, trust_remote_code=False)
    return [len(tokenizer(row.text, truncation=True, max_length=most).input_ids) for row in rows]


def flops_a_token(weights: Path, tokens: float) -> float:
    """Operations of a training step for one token; see UTILISATION."""
    from transformers import AutoModel

    config = AutoConfig.from_pretrained(weights, trust_remote_code=False)
    with torch.device("meta"):
        model = AutoModel.from_config(config, trust_remote_code=False)
    layers = sum(p.numel() for name, p in model.named_parameters() if "layer" in name)
    return float(6 * layers + 12 * config.num_hidden_layers * config.hidden_size * tokens)


def peak_rate(dry: bool) -> float:
    """Floating-point operations a second of a large matrix product, in training's precision."""
    side = 512 if dry else 8192
    bf16 = resolve_precision("auto") == "bf16"
    device = "cuda" if torch.cuda.is_available() else "cpu"
    one, other = (
        torch.randn(side, side, device=device, dtype=torch.bfloat16 if bf16 else torch.float32)
        for _ in range(2)
    )
    times = []
    for _ in range(12):
        synchronise()
        start = time.perf_counter()
        one @ other
        synchronise()
        times.append(time.perf_counter() - start)
    return 2 * side**3 / statistics.median(times[3:])


def data_sheet() -> float | None:
    """What the card's maker says, if the card is a known one."""
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return next((rate for part, rate in SHEETS.items() if part in name), None)


def answers(place: Place) -> Iterator[Found]:
    """Constrained answers against `generate`, batch 1 and 64, with a model fine-tuned here."""
    rows = place.rows(1000)
    tasks = llm_throughput.tasks_of(rows)
    options = argparse.Namespace(
        weights=place.backbone("smollm2"), tuned=place.folder / "found/tuned", threads=0
    )
    decoder, usual = llm_latency.decoders_of(options, tasks, rows)
    heads = llm_latency.headed(options.weights, tasks)
    ways = llm_latency.short_ways(decoder, usual, heads, tasks)
    lines: list[dict[str, Any]] = []
    for size, count in ((1, 2), (4, 4)) if place.dry else ((1, 32), (64, 256)):
        texts = [row.text for row in rows[:count]]
        times = llm_latency.timed(ways, texts, size)
        usually = times["label, generate"]
        lines += [
            {
                "way": name,
                "batch": size,
                "milliseconds a batch": round(found, 2),
                "over label, generate": round(found / usually, 3),
            }
            for name, found in times.items()
        ]
        yield {"answers": lines, "precision": resolve_precision("auto")}


def latency(place: Place) -> Iterator[Found]:
    """Requests of one and of many texts to models with heads, as a service asks."""
    rows = place.rows(1000)
    tasks = llm_throughput.tasks_of(rows)
    lines: list[dict[str, Any]] = []
    for name in ("minilm", "smollm2"):
        weights = place.backbone(name)
        longest = AutoConfig.from_pretrained(weights).max_position_embeddings
        model = llm_latency.headed(weights, tasks, min(256, longest))
        for tokens in place.sizes((16, 64, 256), (8, 16)):
            text = " ".join(word for row in rows for word in row.text.split())
            text = " ".join(text.split()[: int(tokens * 0.8)])
            for size in place.sizes((1, 8, 64), (1, 4)):
                found = _timed(model, [text] * size, 3 if place.dry else 40)
                lines.append({"backbone": name, "tokens": tokens, "batch": size, **found})
        yield {"latency": lines, "precision": resolve_precision("auto")}


def _timed(model: Any, texts: Sequence[str], times: int) -> dict[str, float]:
    found = []
    for _ in range(times + 3):
        synchronise()
        start = time.perf_counter()
        model.predict(texts, batch_size=len(texts))
        synchronise()
        found.append(time.perf_counter() - start)
    measured = percentiles(found[3:])
    return {
        "p50 ms": measured["p50_ms"],
        "p95 ms": measured["p95_ms"],
        "texts a second": round(1000 * len(texts) / measured["p50_ms"]),
    }


def shapes(names: Sequence[tuple[str, str]]) -> Callable[[Place], Iterator[Found]]:
    """Full fine-tuning of random decoders of the shape and by the method."""

    def step(place: Place) -> Iterator[Found]:
        lines: list[dict[str, Any]] = []
        for name, method in names:
            lines.append(gpu_shapes.trained(name, method, place.dry))
            yield {"shapes": lines, "precision": resolve_precision("auto")}

    return step


def quality(experiment: str, seeds: bool) -> Callable[[Place], Iterator[Found]]:
    """An experiment by the ordinary stages; without `seeds`, its first seed alone."""

    def step(place: Place) -> Iterator[Found]:
        import gpu_quality

        yield from gpu_quality.run(place.folder, experiment, seeds, place.dry)

    return step


STEPS: Mapping[str, Callable[[Place], Iterator[Found]]] = {
    "tests": tests,
    "rate-minilm": rate_minilm,
    "rate-smollm2": rate_smollm2,
    "answers": answers,
    "latency": latency,
    "quality-newsgroups": quality("gpu-newsgroups", False),
    "quality-massive": quality("gpu-massive", False),
    "shape-1b": shapes([("1.2B", "full")]),
    "shape-8b": shapes([("8B", "full"), ("8B", "lora")]),
    "quality-newsgroups-seeds": quality("gpu-newsgroups", True),
    "quality-massive-seeds": quality("gpu-massive", True),
}
"""What gpu_campaign.py names, with limits, in the order of worth."""


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    made.add_argument("step", choices=STEPS)
    made.add_argument("folder", type=Path)
    made.add_argument("--dry", action="store_true", help="tiny sizes")
    options = made.parse_args()
    os.environ.setdefault("PLAIT_PROGRESS_LINES", "")
    use_all_cores(0)
    place = Place(options.folder.resolve(), options.dry)
    for found in STEPS[options.step](place):
        write(place.folder / "found" / f"{options.step}.json", found)


if __name__ == "__main__":
    main()
