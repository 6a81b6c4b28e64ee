"""Exports of approach `generative`: transformers, bound by the exported grammar, answer alike."""

import sys
from collections.abc import Sequence
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

import plait
from bundled import ABOUT
from conftest import INTENT, SLOTS, candidate, home_rows
from plait import bundle
from plait.approaches.generative.model import Generative
from plait.exporting.writing import export
from plait.tasks import Row, Task

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
    from plait.settings import Training

    made = candidate(*tasks, approach="generative", options=options, **FAST)
    model = Generative.build(made, weights, Training(max_length=32, precision="fp32"))
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

    def matcher(self, grammar: str) -> llguidance.LLMatcher:
        found = llguidance.LLMatcher(self.known, llguidance.grammar_from("gbnf", grammar))
        assert not found.get_error()
        return found

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
