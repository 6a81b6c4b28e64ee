"""Exports of approach `generative`: transformers, bound by the exported grammar, answer alike."""

import sys
from collections.abc import Iterator, Sequence
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import llguidance
import llguidance.hf
import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import architectures
import plait
from bundled import ABOUT
from conftest import INTENT, SLOTS, candidate, home_rows
from plait import bundle
from plait.approaches.generative.model import Generative
from plait.approaches.prompting.answers import Form
from plait.exporting.writing import export
from plait.segmentation import words
from plait.settings import Training
from plait.tasks import Row, Span, Task

TEXTS = [row.text for row in home_rows(6, 40)]
MENTIONED = (("off", "room"), (), ("room",), ("off", "on"))
FAST = {"threads": 1, "precision": "fp32", "evaluations": 1}
WAYS: dict[str, tuple[tuple[Task, ...], dict[str, Any]]] = {
    "together": ((INTENT, SLOTS), {}),
    "apart": ((INTENT, SLOTS), {"joint": False}),
    "spans first": ((SLOTS, INTENT), {}),
    "several labels": ((ABOUT, INTENT), {}),
    "several labels last": ((INTENT, ABOUT), {}),
}


def rows(count: int, offset: int = 0) -> list[Row]:
    return [
        Row(row.id, row.text, {**row.labels, "about": MENTIONED[n % 3]})
        for n, row in enumerate(home_rows(count, offset))
    ]


def untrained(tasks: Sequence[Task], options: dict[str, Any], weights: Path, folder: Path) -> Path:
    made = candidate(*tasks, approach="generative", options=options, max_length=96, **FAST)
    model = Generative.build(made, weights, Training(max_length=96, precision="fp32"))
    bundle.save(model, made, folder)
    return folder


def program(folder: Path) -> ModuleType:
    """The folder's own ask.py."""
    spec = util.spec_from_file_location("exported_ask", folder / "ask.py")
    assert spec
    assert spec.loader
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Bound:
    """A model and tokenizer of an exported folder, bound by grammars."""

    def __init__(self, folder: Path) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(folder).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.known = llguidance.hf.from_tokenizer(self.tokenizer)
        self.made: dict[str, llguidance.LLMatcher] = {}

    def matcher(self, grammar: str) -> llguidance.LLMatcher:
        if grammar not in self.made:
            parsed = llguidance.grammar_from("gbnf", grammar)
            self.made[grammar] = llguidance.LLMatcher(self.known, parsed)
            assert not self.made[grammar].get_error()
        return self.made[grammar].deep_copy()

    @torch.inference_mode()
    def write(self, prompt: Sequence[int], grammar: str, most: int) -> str:
        """Greedy decoding of allowed tokens, as vLLM does at temperature 0."""
        matcher, ids, end = self.matcher(grammar), list(prompt), self.model.generation_config
        for _ in range(most):
            scores = self.model(torch.tensor([ids])).logits[0, -1].numpy()
            allowed = allowed_tokens(matcher, len(scores))
            token = int(np.where(allowed, scores, -np.inf).argmax())
            if token == end.eos_token_id:
                break
            matcher.consume_token(token)
            ids.append(token)
        return str(self.tokenizer.decode(ids[len(prompt) :]))

    def accepts(self, grammar: str, tokens: Sequence[int]) -> bool:
        """Whether tokens are a whole answer."""
        matcher = self.matcher(grammar)
        if matcher.validate_tokens(list(tokens)) < len(tokens):
            return False
        matcher.consume_tokens(list(tokens))
        return bool(matcher.is_accepting())


def allowed_tokens(matcher: llguidance.LLMatcher, size: int) -> np.ndarray[Any, Any]:
    bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
    return np.unpackbits(bits, bitorder="little")[:size].astype(bool)


def labels_of(reply: plait.Reply) -> dict[str, Any]:
    """As `Form.read` gives them."""
    return {task: _plain(answer) for task, answer in reply.answers.items()}


def _plain(answer: Any) -> Any:
    if isinstance(answer, plait.LabelPrediction):
        return answer.label
    if isinstance(answer, plait.SetPrediction):
        return list(answer.labels)
    return [{"label": s.label, "start": s.start, "end": s.end} for s in answer]


@pytest.mark.parametrize("method", ["full", pytest.param("lora", marks=pytest.mark.slow)])
def test_a_trained_model_answers_alike_under_the_grammar(
    method: str, tiny_decoder: Path, tmp_path: Path
) -> None:
    made = candidate(INTENT, SLOTS, approach="generative", method=method, **{**FAST, "epochs": 12})
    inputs = {"home": home_rows(72)}, {"home": home_rows(12, 72)}
    (tmp_path / "scratch").mkdir()
    model = Generative.train(made, tiny_decoder, *inputs, tmp_path / "scratch")
    bundle.save(model, made, tmp_path / "bundle")
    found = export({"x": tmp_path / "bundle"}, "vllm", tmp_path / "out", texts=TEXTS)
    assert next(iter(found.values())).largest < 1e-4
    bound, own = Bound(tmp_path / "out"), plait.load(tmp_path / "bundle").predict(TEXTS)
    (form,) = program(tmp_path / "out").forms(tmp_path / "out")
    for text, reply in zip(TEXTS, own, strict=True):
        written = bound.write(form.prompt(text), form.grammar(text), form.most(text))
        assert form.read(text, written) == labels_of(reply)
    assert any(reply.answers["slots"] for reply in own)


TRICKY = [
    "turn on the hall number 3",
    'a "quoted" back\\slash, 7up and Hall hall HALL in the hall',
    "水 kitchen\n\nhall hall number",
    "so many words that the end of this text is cut away " * 3,
]


@pytest.mark.parametrize("way", WAYS)
def test_the_grammar_allows_valid_answers_and_no_others(
    way: str, tiny_decoder: Path, tmp_path: Path
) -> None:
    tasks, options = WAYS[way]
    folder = untrained(tasks, options, tiny_decoder, tmp_path / "bundle")
    export({"x": folder}, "vllm", tmp_path / "out")
    bound = Bound(tmp_path / "out")
    model = bundle.load(folder)[1]
    assert isinstance(model, Generative)
    forms = program(tmp_path / "out").forms(tmp_path / "out")
    assert [f.tasks for f in model.asking.forms] == [
        tuple(t for name in f.tasks for t in tasks if t.name == name["name"]) for f in forms
    ]
    rng = np.random.default_rng(4)
    for own, form in zip(model.asking.forms, forms, strict=True):
        for text in TRICKY:
            covered, tokens = model.decoder.cut(text)
            prompt = model.asking.prompt(own, text)
            assert form.prompt(text) == [*prompt.prefix, *tokens, *prompt.suffix]
            _check_repeated(bound, own, form, text, covered)
            for _ in range(6):
                _check_one(bound, own, form, text, covered, rng)
            written = bound.write(form.prompt(text), form.grammar(text), 40)
            if len(bound.tokenizer(written)["input_ids"]) < 40:  # a random model may go on
                assert own.read(covered, written)[1], written


def _check_repeated(bound: Bound, own: Form, form: Any, text: str, covered: str) -> None:
    """Each occurrence of a word, alone and with the word after it, may be meant."""
    if not own.copies or "Hall" not in text:
        return
    at = covered.index("Hall hall HALL in")
    for start, end in ((0, 4), (5, 9), (10, 14), (0, 9), (5, 14), (10, 17)):
        span = Span(at + start, at + end, "room")
        labels: dict[str, Any] = {"intent": "query", "slots": (span,)}
        tokens = own.write(covered, {t.field: labels[t.field] for t in own.tasks})[:-1]
        assert bound.accepts(form.grammar(text), tokens), covered[span.start : span.end]
        found = form.read(text, bound.tokenizer.decode(tokens))
        assert found["slots"] == _listed((span,))


def _check_one(bound: Bound, own: Form, form: Any, text: str, covered: str, rng: Any) -> None:
    labels = {task.field: _drawn(task, covered, rng) for task in own.tasks}
    tokens = own.write(covered, labels)[:-1]
    written = bound.tokenizer.decode(tokens)
    assert bound.accepts(form.grammar(text), tokens), written
    assert bound.accepts(form.grammar(), tokens), written
    assert form.read(text, written) == {t.name: _listed(labels[t.field]) for t in own.tasks}
    for wrong in _wrong(own, written):
        ids = bound.tokenizer(wrong, add_special_tokens=False)["input_ids"]
        assert not bound.accepts(form.grammar(text), ids), wrong


def _drawn(task: Task, text: str, rng: Any) -> Any:
    """A label of the task; spans of whole words, in order."""
    if task.kind == "classification":
        return str(rng.choice(task.labels))
    if task.kind == "multilabel":
        return tuple(label for label in task.labels if rng.random() < 0.5)
    places, found, first = words(text), [], 0
    while first < len(places) and rng.random() < 0.7:
        begin = int(rng.integers(first, len(places)))
        end = min(len(places), begin + 1 + int(rng.integers(0, 3)))
        label = str(rng.choice(task.labels))
        found.append(Span(places[begin][0], places[end - 1][1], label))
        first = end
    return tuple(found)


def _listed(label: Any) -> Any:
    if isinstance(label, str):
        return label
    return [
        each
        if isinstance(each, str)
        else {"label": each.label, "start": each.start, "end": each.end}
        for each in label
    ]


def _wrong(own: Form, written: str) -> Iterator[str]:
    """Another label, words that no text has, a number of an occurrence that is none."""
    yield written + "\nmore"
    if own.tasks[0].kind == "classification":
        yield "x" + written
    else:
        yield "nothing\n" + written
    if own.tasks[0].kind == "tagging":
        yield "room: elsewhere\n" + written
        yield "room: hall\t9\n" + written
    if own.tasks[0].kind == "multilabel":
        yield "room\noff\n\nturn_on"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["llama (Llama 3's tokenizer)", "qwen2", "gemma2", "granite", "gpt2", "cohere", "phi3"]
)
def test_architectures_give_plaits_probabilities(name: str, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    architectures.make(name, weights)
    folder = untrained((INTENT, SLOTS), {}, weights, tmp_path / "bundle")
    found = export({"x": folder}, "vllm", tmp_path / "out", texts=TEXTS)
    assert next(iter(found.values())).largest < 1e-4
