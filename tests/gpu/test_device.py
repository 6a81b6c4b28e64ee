"""plait on a GPU: it trains, answers, goes on, repeats itself, and says when memory ends.

`PLAIT_GPU_DRY=1` runs on the CPU what needs no CUDA, so that these tests are known to run before
a GPU is at hand.
"""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import INTENT, SLOTS, candidate, home_rows
from plait import bundle, machine
from plait.approaches.base import Resolved
from plait.approaches.heads.graph import OnnxGraph
from plait.approaches.loading import approach
from plait.approaches.registry import APPROACHES
from plait.conformance.answers import differences
from plait.errors import PlaitError
from plait.running.graph import Graph, Stage
from plait.running.ready import Walk
from plait.tasks import LabelPrediction
from projects import REPOSITORY
from trainings import DEV, TRAIN, project, stage

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(300)]

DRY = bool(os.environ.get("PLAIT_GPU_DRY"))
DEVICE = "cpu" if DRY else "cuda"
TEXTS = [row.text for row in home_rows(40, 100)]
EXACT, ROUNDED = 1e-3, 5e-2
"""Differences of probabilities: by the order of sums in float32, and by bfloat16."""
WAYS = sorted(
    (name, kind, method)
    for name, entry in APPROACHES.items()
    for kind, method in product(entry.backbones, entry.methods)
    if kind in ("encoder", "decoder")
)
LEARNING = [way for way in WAYS if way[0] != "prompt"]


@pytest.fixture(autouse=True)
def device() -> Iterator[None]:
    if not DRY and not torch.cuda.is_available():
        pytest.skip("no CUDA device; PLAIT_GPU_DRY=1 runs these tests on the CPU")
    yield
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@pytest.fixture
def backbones(tiny_encoder: Path, tiny_decoder: Path) -> dict[str, Path]:
    return {"encoder": tiny_encoder, "decoder": tiny_decoder}


def made_by(way: tuple[str, str, str], **training: Any) -> Resolved:
    name, _, method = way
    options = {"joint": True} if name == "generative" else {}
    epochs = 24 if name == "generative" else 12
    settings = {"epochs": epochs, "precision": "fp32", **training}
    return candidate(INTENT, SLOTS, approach=name, method=method, options=options, **settings)


def trained(way: tuple[str, str, str], made: Resolved, backbone: Path, scratch: Path) -> Any:
    return approach(way[0]).train(made, backbone, TRAIN, DEV, scratch)


def device_of(model: Any) -> str:
    if isinstance(getattr(model, "engine", None), OnnxGraph):
        return "cpu"
    module = model.engine.network if hasattr(model, "engine") else model.asking.decoder.model
    (found,) = {parameter.device.type for parameter in module.parameters()}
    return str(found)


def loaded(model: Any, made: Resolved, folder: Path) -> Any:
    bundle.save(model, made, folder)
    return bundle.load(folder)[1]


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_each_approach_and_method_trains_and_answers(
    way: tuple[str, str, str], backbones: dict[str, Path], tmp_path: Path
) -> None:
    made = made_by(way)
    model = trained(way, made, backbones[way[1]], tmp_path)
    again = loaded(model, made, tmp_path / "bundle")
    assert device_of(again) == DEVICE
    answers = again.predict(TEXTS)
    rows = home_rows(40, 100)
    right = 0
    for row, answer in zip(rows, answers["intent"], strict=True):
        assert isinstance(answer, LabelPrediction)
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-2)
        right += answer.label == row.labels["intent"]
    if way in LEARNING and way[2] == "full":
        assert device_of(model) == DEVICE
        assert right / len(rows) > 0.8


@pytest.mark.parametrize("way", LEARNING, ids="-".join)
def test_batches_answer_as_single_texts_do(
    way: tuple[str, str, str], backbones: dict[str, Path], tmp_path: Path
) -> None:
    for precision, tolerance in (("fp32", EXACT), ("bf16", ROUNDED)):
        made = made_by(way, precision=precision)
        model = trained(way, made, backbones[way[1]], tmp_path / precision)
        again = loaded(model, made, tmp_path / f"{precision}-bundle")
        alone, together = (again.predict(TEXTS, batch_size=size) for size in (1, 16))
        assert differences(TEXTS, alone, together, tolerance) == []
        _release()


def _release() -> None:
    """accelerate keeps one precision a process."""
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.parametrize("way", LEARNING, ids="-".join)
def test_the_same_seed_gives_the_same_bytes(
    way: tuple[str, str, str], backbones: dict[str, Path], tmp_path: Path
) -> None:
    """The loop asks for deterministic algorithms; were one missing, torch would warn of it."""
    made = made_by(way, epochs=2, precision="auto")
    digests = []
    for number in range(2):
        model = trained(way, made, backbones[way[1]], tmp_path / f"s{number}")
        bundle.save(model, made, tmp_path / f"b{number}")
        digests.append(bundle.digest(tmp_path / f"b{number}"))
    assert digests[0] == digests[1]
    other = replace(made, seed=made.seed + 1)
    bundle.save(trained(way, other, backbones[way[1]], tmp_path / "s2"), other, tmp_path / "b2")
    assert bundle.digest(tmp_path / "b2") != digests[0]


KILLED = """
import os, sys
from plait.training.checkpoints import Store
from plait.stages.train import train
save, saved = Store.save_if_due, []
def then_killed(self, *values):
    save(self, *values)
    saved.append(1)
    if len(saved) == 5:
        os.kill(os.getpid(), 9)
Store.save_if_due = then_killed
train(sys.argv[1])
"""


def test_a_killed_training_goes_on_and_ends_with_the_same_bytes(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    made = candidate(INTENT, SLOTS, epochs=2, checkpoint_seconds=0)
    whole = project(tmp_path / "whole", tiny_encoder, made)
    assert stage(whole, made).wait() == 0
    killed = project(tmp_path / "killed", tiny_encoder, made)
    assert stage(killed, made, "-c", KILLED).wait() == -signal.SIGKILL
    again = stage(killed, made)
    output = again.communicate()[1].decode()
    assert again.returncode == 0, output
    assert "goes on from step 5" in output
    one, other = (bundle.digest(folder / "models" / made.name) for folder in (whole, killed))
    assert one == other


def test_the_configuration_for_one_device_trains_on_it(tiny_encoder: Path, tmp_path: Path) -> None:
    made = candidate(INTENT, epochs=1)
    folder = project(tmp_path / "project", tiny_encoder, made)
    config = REPOSITORY / "infra/accelerate" / ("cpu.yaml" if DRY else "gpu.yaml")
    process = stage(folder, made, PLAIT_ACCELERATE_CONFIG=str(config))
    output = process.communicate()[1].decode()
    assert process.returncode == 0, output
    assert (folder / "models" / made.name / "heads.safetensors").is_file()


def test_one_training_at_a_time_holds_the_device() -> None:
    stages = {name: Stage(name, cores=1, gpu=True) for name in ("train@a", "train@b")}
    walk = Walk(Graph(stages, frozenset(stages)), cores=8, gpu=True if DRY else None)
    assert machine.has_gpu() or DRY
    assert walk.start() == ["train@a"]
    assert walk.start() == []


@pytest.mark.skipif(DRY, reason="only CUDA can be given less memory")
@pytest.mark.parametrize("way", LEARNING, ids="-".join)
def test_where_memory_ends_training_goes_on_in_smaller_parts(
    way: tuple[str, str, str],
    backbones: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = made_by(way, batch_size=4096, epochs=1, packing=False)
    rows = {"home": home_rows(8192)}
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(24 * 2**20 / total)
    try:
        approach(way[0]).train(made, backbones[way[1]], rows, DEV, tmp_path)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "memory ran out: goes on with gradient_accumulation: 2. Write" in capsys.readouterr().err


@pytest.mark.skipif(DRY, reason="only CUDA can be given less memory")
def test_the_end_of_memory_while_it_answers_is_named_with_a_remedy(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    way = ("heads", "encoder", "full")
    made = made_by(way, epochs=1)
    model = trained(way, made, tiny_encoder, tmp_path)
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(24 * 2**20 / total)
    try:
        with pytest.raises(PlaitError) as caught:
            model.predict([TEXTS[0]] * 8192, batch_size=8192)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "memory ran out in answering 8192 texts of" in str(caught.value)
    assert "Answer fewer at once" in str(caught.value)
