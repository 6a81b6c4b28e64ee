"""The ONNX graph of a bundle: torch's logits, for every architecture, from the bundle's weights."""

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import Fail
from transformers import AutoTokenizer

import architectures
from architectures import ARCHITECTURES, WINDOW
from conftest import INTENT, SLOTS, candidate
from plait import bundle
from plait.approaches.heads import Heads, exporting
from plait.approaches.heads.eager import Eager
from plait.approaches.heads.graph import OnnxGraph
from plait.approaches.heads.learning import LearnedHeads
from plait.approaches.heads.network import Network
from plait.approaches.reading.texts import Texts, Vocabulary
from plait.errors import PlaitError
from plait.files import read_json
from plait.machine import limit_threads
from plait.settings import Training
from plait.tasks import LabelPrediction, Prediction, Task, is_spans

ABOUT = Task("about", "home", "multilabel", "about", ("off", "on", "room"), "micro_f1")
TASKS = (INTENT, SLOTS, ABOUT)
LONGEST = 64
BOTH_WAYS = {"attention": "bidirectional", "causal_layers": 1}
NO_GRAPH = ("cohere",)
"""Their rotary embedding repeats values in a way that the exporter fixes to the traced length."""
QUICK = ("bert", "deberta-v2", "modernbert", "qwen2", "xlm-roberta", *NO_GRAPH)
EVERY = [
    pytest.param(name, options, marks=() if name in QUICK else pytest.mark.slow, id=f"{name}{how}")
    for name, made in ARCHITECTURES.items()
    for how, options in {"": {}, **({"-both": BOTH_WAYS} if made.kind == "decoder" else {})}.items()
]
TEXTS = (
    "on",
    "turn on the kitchen number 3",
    "打开厨房的灯 3 เปิดไฟ",
    "\u0301",  # a sign that a tokenizer may normalise away
    "turn on the kitchen number 3, the attic and the hall, and what about the garage " * 6,
)


def fresh(
    backbone: Path, *tasks: Task, precision: str = "fp32", longest: int = LONGEST, **options: object
) -> LearnedHeads:
    made = candidate(*tasks, options=options, max_length=longest, precision=precision)
    torch.manual_seed(1)
    return LearnedHeads.build(made, backbone, Training.model_validate(made.training))


def saved(model: LearnedHeads, folder: Path) -> Path:
    folder.mkdir()
    model.save(folder)
    return folder


def numbers(answers: Sequence[Prediction]) -> list[float]:
    """Probabilities, and the places of spans."""
    found: list[float] = []
    for answer in answers:
        if is_spans(answer):
            found += [n for span in answer for n in (span.start, span.end, span.probability)]
        else:
            found += list(answer.probabilities.values())  # type: ignore[union-attr]
    return found


@pytest.mark.parametrize(("name", "options"), EVERY)
def test_a_loaded_model_answers_as_torch_does(
    name: str, options: dict[str, object], tmp_path: Path
) -> None:
    backbone = architectures.make(name, tmp_path / "backbone")
    model = fresh(backbone, *TASKS, **options)
    folder = saved(model, tmp_path / "bundle")
    again = Heads.load(folder, TASKS)
    assert isinstance(again.engine, Eager if name in NO_GRAPH else OnnxGraph)
    assert again.parameters_count() == model.parameters_count()
    sizes = [len(found.ids) for found in again.texts.encode(TEXTS, LONGEST)]
    assert min(sizes) <= 3
    assert max(sizes) == LONGEST > WINDOW
    for batch in (1, len(TEXTS)):
        found, own = again.predict(TEXTS, batch), model.predict(TEXTS, batch)
        for task in TASKS:
            assert numbers(found[task.name]) == pytest.approx(numbers(own[task.name]), abs=1e-4)
    _same_logits(again, model)


def _same_logits(loaded: Heads, model: LearnedHeads) -> None:
    """Of one token, of texts of many lengths in a batch, of the longest."""
    some = np.random.default_rng(0).integers(5, 30, LONGEST).tolist()
    for ids in ([some[:1]], [some[:1], some[:LONGEST], some[:9]], [some]):
        inputs = model.padded(ids)
        read = inputs["attention_mask"] > 0
        pairs = zip(TASKS, loaded.engine.logits(inputs), model.engine.logits(inputs), strict=True)
        for task, found, own in pairs:
            found, own = (found, own) if task.whole_text else (found[read], own[read])
            assert found.shape == own.shape
            assert np.abs(found - own).max() <= 1e-4


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_texts_are_the_same_tokens_without_transformers(name: str, tmp_path: Path) -> None:
    """What a bundle keeps of a tokenizer, against the tokenizer itself."""
    tokenizer = ARCHITECTURES[name].tokenizer()
    tokenizer.save_pretrained(tmp_path)
    kept = Vocabulary.of(AutoTokenizer.from_pretrained(tmp_path))
    kept.backend.save(str(tmp_path / "tokenizer.json"))
    texts = [*TEXTS, *tokenizer.all_special_tokens, " a  b", ""]
    for begin in (False, True):
        own = Texts.of(tokenizer, begin)
        found = Texts(Vocabulary.load(tmp_path, kept.as_json()), begin)
        assert found.encode(texts, LONGEST) == own.encode(texts, LONGEST)
        assert found.vocabulary.padding == own.vocabulary.padding


def test_made_again_a_graph_has_equal_bytes_and_holds_no_weights(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    one, other = (saved(fresh(tiny_encoder, *TASKS), tmp_path / name) for name in ("one", "other"))
    graph = (one / "heads.onnx").read_bytes()
    assert graph == (other / "heads.onnx").read_bytes()
    model = onnx.load(one / "heads.onnx", load_external_data=False)
    assert len(model.graph.initializer) > 20
    for weight in model.graph.initializer:
        said = {each.key: each.value for each in weight.external_data}
        assert said["location"] == "heads.safetensors"
        assert not weight.raw_data
    assert [value.name for value in model.graph.input] == ["input_ids", "attention_mask"]
    assert [value.name for value in model.graph.output] == ["logits0", "logits1", "logits2"]
    assert not [node.name for node in model.graph.node if node.doc_string]
    assert str(tmp_path).encode() not in graph
    assert str(Path(exporting.__file__).parents[3]).encode() not in graph


def test_the_weights_are_those_of_the_safetensors_file(tiny_encoder: Path, tmp_path: Path) -> None:
    """Another file of weights in its place gives that model's answers."""
    first = fresh(tiny_encoder, INTENT)
    folder = saved(first, tmp_path / "first")
    other = fresh(tiny_encoder, INTENT)
    with torch.no_grad():
        other.module.heads[0].get_parameter("bias").copy_(torch.tensor([3.0, 0.0, -3.0]))
    second = saved(other, tmp_path / "second")
    shutil.copy(second / "heads.safetensors", folder / "heads.safetensors")
    (found,) = Heads.load(folder, (INTENT,)).predict(["on"])["intent"]
    (expected,) = other.predict(["on"])["intent"]
    assert isinstance(found, LabelPrediction)
    assert isinstance(expected, LabelPrediction)
    assert found.label == expected.label == INTENT.labels[0]
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)


def test_a_graph_may_not_reach_beyond_its_bundle(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = saved(fresh(tiny_encoder, INTENT), tmp_path / "bundle")
    shutil.move(folder / "heads.safetensors", tmp_path / "elsewhere")
    shutil.copy(tmp_path / "elsewhere", folder / "heads.safetensors")
    model = onnx.load(folder / "heads.onnx", load_external_data=False)
    for weight in model.graph.initializer:
        for each in weight.external_data:
            if each.key == "location":
                each.value = "../elsewhere"
    (folder / "heads.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(PlaitError, match=r"heads\.onnx: ONNX Runtime can't read this graph"):
        Heads.load(folder, (INTENT,))


def test_a_damaged_graph_is_named(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = saved(fresh(tiny_encoder, INTENT), tmp_path / "bundle")
    (folder / "heads.onnx").write_bytes(b"no graph")
    with pytest.raises(PlaitError, match=r"heads\.onnx: ONNX Runtime can't read this graph \("):
        Heads.load(folder, (INTENT,))


def test_a_graph_whose_logits_differ_is_left_out_and_the_card_says_so(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forward that goes another way while it is traced, as architectures do."""
    usual = Network.logits

    def traced(self: Network, inputs: object, names: Sequence[str]) -> dict[str, torch.Tensor]:
        found = usual(self, inputs, names)  # type: ignore[arg-type]
        add = 0.25 if torch.jit.is_tracing() else 0.0
        return {name: value + add for name, value in found.items()}

    monkeypatch.setattr(Network, "logits", traced)
    made = candidate(INTENT)
    model = fresh(tiny_encoder, INTENT)
    bundle.save(model, made, tmp_path / "bundle")
    assert not (tmp_path / "bundle/heads.onnx").exists()
    assert (
        "\nPyTorch computes the answers: the logits of its ONNX graph differ from PyTorch's by "
        "0.2, at most 0.0001 may be.\n"
    ) in (tmp_path / "bundle/README.md").read_text()
    _, again = bundle.load(tmp_path / "bundle")
    assert isinstance(again, Heads)
    assert isinstance(again.engine, Eager)
    assert numbers(again.predict(TEXTS)["intent"]) == pytest.approx(
        numbers(model.predict(TEXTS)["intent"]), abs=1e-4
    )


def test_the_card_says_that_onnx_runtime_answers(tiny_encoder: Path, tmp_path: Path) -> None:
    bundle.save(fresh(tiny_encoder, INTENT), candidate(INTENT), tmp_path / "bundle")
    assert (
        "\nONNX Runtime computes the answers in float32, by heads.onnx with the weights of "
        "heads.safetensors. On a GPU PyTorch computes them, by the same weights.\n"
    ) in (tmp_path / "bundle/README.md").read_text()
    kept = read_json(tmp_path / "bundle/heads.json")
    assert kept["max_length"] == LONGEST
    assert kept["vocabulary"]["control"] == ["[CLS]", "[MASK]", "[PAD]", "[SEP]", "[UNK]"]


def test_where_there_is_a_gpu_torch_answers(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(fresh(tiny_encoder, INTENT), tmp_path / "bundle")
    monkeypatch.setattr("plait.approaches.heads.model.has_gpu", lambda: True)
    assert isinstance(Heads.load(folder, (INTENT,)).engine, OnnxGraph)  # torch finds none
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("plait.approaches.heads.eager.to_device", lambda network: network.eval())
    assert isinstance(Heads.load(folder, (INTENT,)).engine, Eager)


def test_a_training_in_bfloat16_is_answered_in_float32(tiny_encoder: Path, tmp_path: Path) -> None:
    model = fresh(tiny_encoder, INTENT, precision="bf16")
    exact = fresh(tiny_encoder, INTENT)
    again = Heads.load(saved(model, tmp_path / "bundle"), (INTENT,))
    found, own = again.predict(TEXTS)["intent"], exact.predict(TEXTS)["intent"]
    assert numbers(found) == pytest.approx(numbers(own), abs=1e-5)
    rounded = numbers(model.predict(TEXTS)["intent"])
    assert numbers(found) != pytest.approx(rounded, abs=1e-5)


def test_what_was_loaded_for_answers_is_not_saved(tiny_encoder: Path, tmp_path: Path) -> None:
    again = Heads.load(saved(fresh(tiny_encoder, INTENT), tmp_path / "bundle"), (INTENT,))
    with pytest.raises(RuntimeError, match="copy its bundle instead"):
        again.save(tmp_path)


def test_threads_share_a_batch_in_order(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = fresh(tiny_encoder, *TASKS)
    folder = saved(model, tmp_path / "bundle")
    draw = np.random.default_rng(0)
    inputs = model.padded([draw.integers(5, 30, length).tolist() for length in range(1, 15)])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    own = OnnxGraph(folder, TASKS).logits(inputs)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    shared = OnnxGraph(folder, TASKS)
    for found, expected in zip(shared.logits(inputs), own, strict=True):
        assert found == pytest.approx(expected, abs=1e-5)
    assert set(shared.sessions) == {3, 1}


def test_a_thread_asks_a_session_of_as_many_threads_as_it_may_use(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    again = Heads.load(saved(fresh(tiny_encoder, INTENT), tmp_path / "bundle"), (INTENT,))
    assert isinstance(again.engine, OnnxGraph)
    own = numbers(again.predict(TEXTS)["intent"])
    with ThreadPoolExecutor(1, initializer=limit_threads, initargs=(1,)) as pool:
        other = pool.submit(again.predict, TEXTS).result()["intent"]
    assert numbers(other) == pytest.approx(own, abs=1e-5)
    assert {
        count: session.get_session_options().intra_op_num_threads
        for count, session in again.engine.sessions.items()
    } == {1: 1, 2: 2}


@pytest.mark.parametrize("said", ["bad_alloc", "Failed to allocate memory for requested buffer"])
def test_memory_that_runs_out_is_named(
    said: str, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = Heads.load(saved(fresh(tiny_encoder, INTENT), tmp_path / "bundle"), (INTENT,))

    def full(_inputs: object) -> object:
        raise Fail(f"[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : {said}")

    monkeypatch.setattr(again.engine, "logits", full)
    with pytest.raises(PlaitError, match=r"memory ran out in answering 2 texts of 3 tokens at onc"):
        again.predict(["on", "on"])
