"""The loop: the same weights again, after a kill, accumulated, and on two processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors.torch import load_file

from conftest import INTENT, SLOTS, candidate, home_rows
from plait import bundle
from plait.approaches.base import Resolved
from plait.approaches.heads import Heads
from plait.approaches.heads.learning import LearnedHeads
from plait.errors import PlaitError
from plait.progress import PREFIX
from plait.settings import Training
from plait.training.batches import IGNORED, Batch
from plait.training.history import Curves, read_curves
from plait.training.mixture import Mixture
from trainings import DEV, TRAIN, project, stage


def trained(made: Resolved, encoder: Path, scratch: Path) -> LearnedHeads:
    return LearnedHeads.train(made, encoder, TRAIN, DEV, scratch)


def digest(made: Resolved, model: LearnedHeads, folder: Path) -> str:
    bundle.save(model, made, folder)
    return bundle.digest(folder)


def test_the_same_command_gives_the_same_weights(tiny_encoder: Path, tmp_path: Path) -> None:
    made = candidate(INTENT, SLOTS)
    digests = {
        digest(made, trained(made, tiny_encoder, tmp_path / f"s{i}"), tmp_path / f"b{i}")
        for i in range(2)
    }
    other = candidate(INTENT, SLOTS, seed=4)
    digests.add(digest(other, trained(other, tiny_encoder, tmp_path / "s2"), tmp_path / "b2"))
    assert len(digests) == 2


def test_a_consolidated_model_learns_both_tasks(tiny_encoder: Path, tmp_path: Path) -> None:
    made = candidate(INTENT, SLOTS, epochs=15)
    model = trained(made, tiny_encoder, tmp_path)
    rows = home_rows(30, 100)
    answers = model.predict([row.text for row in rows])
    intents = [a.label == r.labels["intent"] for a, r in zip(answers["intent"], rows, strict=True)]
    slots = [a == r.labels["slots"] for a, r in zip(answers["slots"], rows, strict=True)]
    assert sum(intents) / 30 > 0.9
    assert sum(slots) / 30 > 0.8


def test_a_bundle_holds_exactly_these_files(tiny_encoder: Path, tmp_path: Path) -> None:
    made = candidate(INTENT, epochs=0.2)
    bundle.save(trained(made, tiny_encoder, tmp_path / "s"), made, tmp_path / "b")
    files = (path for path in (tmp_path / "b").rglob("*") if path.is_file())
    assert sorted(path.relative_to(tmp_path / "b").as_posix() for path in files) == [
        "README.md",
        "backbone/config.json",
        "backbone/tokenizer.json",
        "backbone/tokenizer_config.json",
        "bundle.json",
        "config.json",
        "coverage.json",
        "heads.json",
        "heads.onnx",
        "heads.safetensors",
    ]


def _use_memory(inputs: tuple[dict[str, torch.Tensor], object], most: int) -> None:
    if len(inputs[0]["input_ids"]) > most:
        raise MemoryError("so many rows")


def _one_gradient(
    encoder: Path, scratch: Path, accumulation: int, most: int = 99
) -> dict[str, torch.Tensor]:
    """Weights after one step on rows of unequal lengths; there is memory for `most` at once."""
    made = candidate(
        INTENT, SLOTS, epochs=1 / 6, gradient_accumulation=accumulation, learning_rate=1e-3
    )
    settings = Training.model_validate(made.training)
    torch.manual_seed(0)
    model = LearnedHeads.build(made, encoder, settings)
    for module in model.module.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    model.module.register_forward_pre_hook(lambda _module, inputs: _use_memory(inputs, most))
    from plait.training.loop import fit

    encoded = {"home": model.encoded("home", TRAIN["home"], scratch / "t" / "home")}
    fit(model, encoded, lambda: {"intent": 1.0}, settings, 0, scratch, {}, "x")
    return {name: p.detach().clone() for name, p in model.module.named_parameters()}


@pytest.mark.parametrize(("device", "asked"), [("cpu", False), ("cuda", True)])
def test_a_gpu_is_asked_for_the_same_bits_while_it_trains(device: str, asked: bool) -> None:
    from plait.training.loop import _repeatable

    with _repeatable(torch.device(device)):
        assert torch.are_deterministic_algorithms_enabled() is asked
        assert torch.is_deterministic_algorithms_warn_only_enabled() is asked
    assert not torch.are_deterministic_algorithms_enabled()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] in (":4096:8", ":16:8")


def test_accumulated_gradients_equal_those_of_the_whole_batch(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    whole = _one_gradient(tiny_encoder, tmp_path / "1", 1)
    parts = _one_gradient(tiny_encoder, tmp_path / "3", 3)
    # Adam's first step is ±learning rate wherever a gradient is above rounding.
    same = [torch.isclose(whole[n], parts[n], atol=2e-5).float().mean() for n in whole]
    assert min(same) > 0.98


def test_where_memory_runs_out_the_step_is_taken_in_smaller_parts(
    tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _one_gradient(tiny_encoder, tmp_path / "told", 4)
    found = _one_gradient(tiny_encoder, tmp_path / "found", 1, most=2)
    assert all(torch.equal(told[name], found[name]) for name in told)
    said = capsys.readouterr().err
    assert [f"goes on with gradient_accumulation: {n}. Write it" in said for n in (2, 4, 8)] == [
        *(True, True, False)
    ]


def test_where_one_row_is_too_much_training_ends(tiny_encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(PlaitError, match=r"memory ran out in a training step of \d+ × 1 rows of"):
        _one_gradient(tiny_encoder, tmp_path, 1, most=0)


def test_padding_changes_neither_loss_nor_targets(tiny_encoder: Path) -> None:
    made = candidate(INTENT, SLOTS)
    model = LearnedHeads.build(made, tiny_encoder, Training.model_validate(made.training))
    model.module.eval()
    rows = list(model._examples("home", TRAIN["home"]))

    def losses(batch: Batch) -> dict[str, float]:
        with torch.no_grad():
            return {k: float(v) for k, v in model.module(batch.inputs, batch.targets).items()}

    together = losses(model.collate("home", rows))
    alone = [losses(model.collate("home", [row])) for row in rows]
    for task in ("intent", "slots"):
        assert together[task] == pytest.approx(sum(part[task] for part in alone), rel=1e-4)


def test_the_lowest_layers_of_a_bidirectional_decoder_may_stay_causal(tiny_decoder: Path) -> None:
    def looks_ahead(causal_layers: int) -> list[bool]:
        """By layer: whether what it says of the first token depends on the last one."""
        options = {"attention": "bidirectional", "causal_layers": causal_layers}
        made = candidate(INTENT, SLOTS, options=options)
        network = LearnedHeads.build(made, tiny_decoder, Training(max_length=32)).module.eval()
        said: list[torch.Tensor] = []
        for layer in network.encoder.layers:
            layer.register_forward_hook(lambda _m, _i, found: said.append(found[:, 0]))
        ids = torch.tensor([[5, 6, 7], [5, 6, 8]])
        network.logits({"input_ids": ids, "attention_mask": torch.ones_like(ids)}, ["slots"])
        return [not torch.equal(first, second) for first, second in said]

    assert [looks_ahead(n) for n in (0, 1)] == [[True, True], [False, True]]
    with pytest.raises(PlaitError, match=r"causal_layers: found 2, .* has 2 layers"):
        looks_ahead(2)


def test_tags_stand_on_first_sub_words_only(tiny_encoder: Path) -> None:
    model = LearnedHeads.build(candidate(SLOTS), tiny_encoder, Training(max_length=32))
    [row] = model._examples("home", home_rows(1, 1))
    words = model.tokenizer(home_rows(1, 1)[0].text).word_ids(0)
    firsts = [i for i, w in enumerate(words) if w is not None and w != words[i - 1]]
    target = row["target slots"] + [IGNORED] * (len(words) - len(row["target slots"]))
    assert [i for i, value in enumerate(target) if value != IGNORED] == firsts


def test_a_decoder_reads_a_mark_and_a_space_before_the_first_word(
    tiny_decoder: Path, tmp_path: Path
) -> None:
    made = candidate(SLOTS, epochs=0.2)
    model = trained(made, tiny_decoder, tmp_path / "s")
    bundle.save(model, made, tmp_path / "b")
    again = bundle.load(tmp_path / "b")[1]
    assert isinstance(again, Heads)
    for each in (model, again):
        found, empty = each.texts.encode(["a a", ""], 32)
        mark, *tokens = found.ids
        assert mark == model.tokenizer.bos_token_id
        assert tokens[: len(tokens) // 2] == tokens[len(tokens) // 2 :]
        assert model.tokenizer.convert_ids_to_tokens(tokens)[0].startswith("Ġ")
        assert [place for _, place in each.read_words("a a", found)] == [(0, 1), (2, 3)]
        assert empty.ids == [mark]


@pytest.mark.parametrize(("attention", "pooling"), [("causal", "last"), ("bidirectional", "mean")])
def test_a_decoder_that_sees_both_ways_means_its_tokens(
    attention: Literal["causal", "bidirectional"], pooling: str, tiny_decoder: Path
) -> None:
    made = candidate(INTENT, options={"attention": attention})
    network = LearnedHeads.build(made, tiny_decoder, Training(max_length=32)).module.eval()
    hidden = torch.arange(6.0).reshape(1, 3, 2)
    mask = torch.tensor([[1, 1, 0]])
    wanted = hidden[:, 1] if pooling == "last" else hidden[:, :2].mean(1)
    assert torch.equal(network._pooled(hidden, mask), wanted)


def test_a_mixture_draws_by_temperature_and_covers_every_row() -> None:
    lengths = {"big": [5] * 900, "small": [5] * 100}
    assert Mixture(lengths, 32, 1.0, 0).rows_per_epoch() == {"big": 900, "small": 100}
    flat = Mixture(lengths, 32, 1e9, 0).rows_per_epoch()
    assert flat == {"big": 500, "small": 500}
    steps = Mixture(lengths, 32, 1.0, 0).epoch(0)
    for name, values in lengths.items():
        drawn = sorted(i for step in steps if step.dataset == name for i in step.rows)
        assert drawn == list(range(len(values)))
    assert steps != Mixture(lengths, 32, 1.0, 1).epoch(0)


def test_rows_of_a_batch_are_alike_in_length() -> None:
    lengths = [i % 60 + 1 for i in range(3000)]
    steps = Mixture({"d": lengths}, 30, 1.0, 0).epoch(0)
    spread = [max(lengths[i] for i in s.rows) - min(lengths[i] for i in s.rows) for s in steps]
    assert max(spread) <= 2


def test_max_length_beyond_the_backbone_is_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    made = candidate(INTENT, max_length=100)
    with pytest.raises(
        PlaitError, match=r"max_length: 100 tokens, but backbone 'tiny' reads at most 64"
    ):
        trained(made, tiny_encoder, tmp_path)


def test_killed_in_the_middle_training_ends_with_the_same_weights(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    made = candidate(INTENT, SLOTS, epochs=10, checkpoint_seconds=0, evaluations=2)
    whole = project(tmp_path / "whole", tiny_encoder, made)
    uninterrupted = stage(whole, made)
    killed = project(tmp_path / "killed", tiny_encoder, made)
    process = stage(killed, made)
    state = killed / ".plait/checkpoints" / made.name / "last/state.json"
    while '"step": 7' not in (state.read_text() if state.exists() else ""):
        assert process.poll() is None, "training ended before it could be killed"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "models").exists()
    again = stage(killed, made)
    output = again.communicate()[1].decode()
    assert again.returncode == 0, output
    assert "goes on from step" in output
    assert uninterrupted.wait() == 0
    assert bundle.digest(killed / "models" / made.name) == bundle.digest(
        whole / "models" / made.name
    )
    assert curves(killed, made) == curves(whole, made)


def curves(folder: Path, made: Resolved) -> Curves:
    found = read_curves(folder / "curves" / made.name)
    assert "loss-slots" in found
    return found


def _last_losses(errors: str) -> list[float]:
    """Of each process, the loss that it shows last."""
    lines = [line for line in errors.splitlines() if line.startswith(PREFIX)]
    shown = [json.loads(line.removeprefix(PREFIX)) for line in lines]
    finished = [each["figures"] for each in shown if each["done"] == each["total"]]
    return [figures["loss"] for figures in finished if "loss" in figures]  # no graph has one


KILLED_AFTER_BEST = """
import os, sys
from plait.training.checkpoints import Store
from plait.stages.train import train
save, saved = Store.save_best, []
def then_killed(self, module, main):
    save(self, module, main)
    saved.append(1)
    if len(saved) == 3:
        os.kill(os.getpid(), 9)
Store.save_best = then_killed
train(sys.argv[1])
"""


@pytest.mark.parametrize("seconds", [0, 3600], ids=["last is a step old", "there is no last"])
def test_killed_when_the_best_weights_are_ahead_of_the_last_ones(
    seconds: int, tiny_encoder: Path, tmp_path: Path
) -> None:
    made = candidate(INTENT, SLOTS, epochs=3, checkpoint_seconds=seconds, evaluations=9)
    whole = project(tmp_path / "whole", tiny_encoder, made)
    uninterrupted = stage(whole, made)
    killed = project(tmp_path / "killed", tiny_encoder, made)
    assert stage(killed, made, "-c", KILLED_AFTER_BEST).wait() == -signal.SIGKILL
    scratch = killed / ".plait/checkpoints" / made.name
    assert (scratch / "best").exists()
    assert (scratch / "last").exists() == (seconds == 0)
    again = stage(killed, made)
    output = again.communicate()[1].decode()
    assert again.returncode == 0, output
    assert ("goes on from step" in output) == (seconds == 0)
    assert uninterrupted.wait() == 0
    assert bundle.digest(killed / "models" / made.name) == bundle.digest(
        whole / "models" / made.name
    )
    assert curves(killed, made) == curves(whole, made)


def test_two_processes_learn_what_one_does(tiny_encoder: Path, tmp_path: Path) -> None:
    """Dropout differs between processes, so it is off here; the rest must agree."""
    from transformers import BertModel

    encoder = tmp_path / "encoder"
    encoder.mkdir()
    for path in tiny_encoder.iterdir():
        (encoder / path.name).write_bytes(path.read_bytes())
    model = BertModel.from_pretrained(encoder)
    model.config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = 0.0
    model.config.save_pretrained(encoder)
    made = candidate(
        INTENT,
        SLOTS,
        epochs=1,
        learning_rate=1e-3,
        threads=1,
        precision="fp32",
        checkpoint_seconds=0,
    )
    one = project(tmp_path / "one", encoder, made)
    two = project(tmp_path / "two", encoder, made)
    alone = stage(one, made)
    trained(made, encoder, two / ".plait/checkpoints" / made.name)  # it leaves a checkpoint
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [sys.executable, *launcher, "-m", "plait.stages.train", made.name],
        cwd=two,
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "PLAIT_PROGRESS_LINES": "1"},
        capture_output=True,
        timeout=120,
    )
    errors = done.stderr.decode()
    assert done.returncode == 0, errors
    assert errors.count("starts anew: its checkpoint is another run's, by processes\n") == 1
    (loss,) = {round(found, 3) for found in _last_losses(alone.communicate()[1].decode())}
    assert _last_losses(errors) == [pytest.approx(loss, rel=0.02)] * 2
    assert alone.returncode == 0
    weights = [load_file(f / "models" / made.name / "heads.safetensors") for f in (one, two)]
    same = [
        torch.isclose(weights[0][n], weights[1][n], atol=2e-4).float().mean() for n in weights[0]
    ]
    assert min(same) > 0.95
