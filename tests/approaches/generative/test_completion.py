"""What a decoder learns: the same losses padded, packed, accumulated, and with memory to spare."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from conftest import INTENT, SLOTS, candidate, home_rows
from plait.approaches.generative import Generative
from plait.approaches.generative.completion import LOSS, Completion, Example, pack, pad
from plait.errors import PlaitError
from plait.settings import Training
from plait.sources.gguf import dequantise
from plait.tasks import Row
from plait.training.batches import IGNORED, Batch


@pytest.fixture(scope="module")
def examples(tiny_decoder: Path) -> list[Example]:
    made = candidate(INTENT, SLOTS, approach="generative")
    model = Generative.build(made, tiny_decoder, Training.model_validate(made.training))
    found = model._examples("home", home_rows(11))
    return [(row["input_ids"], row["answer"]) for row in found]


@pytest.fixture
def module(tiny_decoder: Path) -> Completion:
    return Completion(AutoModelForCausalLM.from_pretrained(tiny_decoder, dtype=torch.float32))


def learned(module: Completion, batches: list[Batch]) -> tuple[float, Tensor]:
    """The summed loss and the gradient of all weights, one after the other."""
    module.zero_grad()
    total = torch.zeros(())
    for batch in batches:
        loss = module(batch.inputs, batch.targets)[LOSS]
        loss.backward()
        total += loss.detach()
    gradients = [p.grad.flatten() for p in module.parameters() if p.grad is not None]
    return float(total), torch.cat(gradients)


@pytest.mark.parametrize("longest", [1, 100, 200, 10_000])
def test_packed_and_padded_rows_learn_what_rows_one_by_one_do(
    module: Completion, examples: list[Example], longest: int
) -> None:
    loss, gradient = learned(module, [pad([example]) for example in examples])
    for batch in (pad(examples), pack(examples, longest)):
        found, found_gradient = learned(module, [batch])
        assert found == pytest.approx(loss, rel=1e-5)
        assert torch.allclose(found_gradient, gradient, atol=1e-4)


def test_what_all_prompts_begin_with_is_read_once_a_row() -> None:
    examples = [([5, 6, 7, 8, 9, 1], 1), ([5, 6, 7, 3, 1, 2], 2), ([5, 6, 7], 1)]
    batch = pack(examples, 12)  # the third's 6 learns, so 5 alone is shared
    assert batch.inputs["input_ids"].tolist() == [
        [5, 6, 7, 8, 9, 1, 6, 7], [5, 6, 7, 3, 1, 2, 0, 0]
    ]  # fmt: skip
    assert batch.inputs["position_ids"][0].tolist() == [0, 1, 2, 3, 4, 5, 1, 2]
    assert batch.inputs["attention_mask"][0, 0, 6].tolist() == [True, *[False] * 5, True, False]
    assert batch.targets[LOSS][0].tolist() == [*[IGNORED] * 4, 1, IGNORED, 7, IGNORED]


def test_packing_leaves_less_empty() -> None:
    lengths = (100, 12, 30, 9, 15, 80, 8, 40)
    examples = [(list(range(n, n + length)), 2) for n, length in enumerate(lengths)]
    packed, padded = pack(examples, 110), pad(examples)
    assert packed.inputs["input_ids"].shape == (3, 100)
    assert padded.inputs["input_ids"].shape == (8, 100)
    for batch in (packed, padded):
        assert int((batch.targets[LOSS] != IGNORED).sum()) == 2 * len(examples)
    assert len(pack(examples, 1).inputs["input_ids"]) == len(examples)


def test_only_the_answer_is_learned(examples: list[Example]) -> None:
    batch = pad(examples[:1])
    ids, answer = examples[0]
    targets = batch.targets[LOSS][0].tolist()
    assert [t for t in targets if t != IGNORED] == list(ids[-answer:])
    first = next(i for i, t in enumerate(targets) if t != IGNORED)
    assert first == len(ids) - answer - 1


def test_rows_without_all_labels_are_not_asked_together(tiny_decoder: Path, tmp_path: Path) -> None:
    made = candidate(INTENT, SLOTS, approach="generative")
    model = Generative.build(made, tiny_decoder, Training.model_validate(made.training))
    rows = [Row(r.id, r.text, {**r.labels, "slots": None}) for r in home_rows(4)]
    with pytest.raises(PlaitError, match=r"no train row has labels for all of intent, slots"):
        model.encoded("home", rows, tmp_path / "run" / "home")
    some = [*rows, *home_rows(3)]
    assert len(model.encoded("home", some, tmp_path / "other" / "home")) == 3


def test_memory_that_really_runs_out_is_noticed(tiny_encoder: Path, tmp_path: Path) -> None:
    """A real allocation that fails: the process may have little more than it has already.

    The process ends there, because later it fails at whatever else needs memory, such as a thread;
    how a training goes on is tested in tests/training.
    """
    script = f"""
        import resource, sys
        from pathlib import Path
        sys.path.insert(0, "support")
        import psutil, torch
        from conftest import INTENT, candidate, home_rows
        from plait.approaches.heads import Heads
        from plait.training.loop import _Loop
        taken = _Loop._take_smaller_parts
        _Loop._take_smaller_parts = lambda self: sys.exit(taken(self))
        made = candidate(INTENT, batch_size=20000, epochs=1, threads=1)
        rows = {{"home": home_rows(20000)}}
        limit = psutil.Process().memory_info().vms + 700 * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        Heads.train(made, Path({str(tiny_encoder)!r}), rows, rows, Path({str(tmp_path)!r}))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert "memory ran out: goes on with gradient_accumulation: 2. Write it" in done.stderr


def test_a_broken_gguf_file_is_refused_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "smol"
    folder.mkdir()
    with pytest.raises(PlaitError, match=r"smol\.gguf: the source has no file 'model\.gguf'"):
        dequantise(folder, "model.gguf")
    (folder / "model.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(
        PlaitError, match=r"smol: transformers cannot read the GGUF file 'model\.gguf'"
    ):
        dequantise(folder, "model.gguf")
    assert (folder / "model.gguf").exists()
