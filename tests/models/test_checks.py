"""The checks find the faults that they are for."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import architectures
from plait.approaches.base import Approach, Resolved
from plait.approaches.loading import approach
from plait.conformance import answers, matrix, reference, toy
from plait.conformance.examining import Setting, examine
from plait.conformance.findings import SEVERAL, Finding, Verdict, within
from plait.errors import PlaitError
from plait.segmentation import words
from plait.settings import Training
from plait.tasks import LabelPrediction, Prediction, SetPrediction, Span

ENGLISH = (toy.language("English"),)
Change = Callable[[str, Prediction, int], Prediction]


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Approach:
    """A real model that learns the English commands in a moment."""
    rows = {"toy": toy.rows(ENGLISH[0], "train")}
    made = Resolved("linear", "tfidf", "linear", "full", toy.TASKS, {}, seed=1)
    return approach("linear").train(made, Path(), rows, rows, tmp_path_factory.mktemp("linear"))


class Faulty(Approach):
    """A model with a fault in its answers."""

    def __init__(self, sound: Approach, change: Change) -> None:
        self.tasks, self.sound, self.change = sound.tasks, sound, change

    def predict(self, texts: Sequence[str], batch_size: int = 32) -> dict[str, list[Prediction]]:
        found = self.sound.predict(texts, batch_size)
        return {
            name: [
                self.change(text, answer, batch_size)
                for text, answer in zip(texts, each, strict=True)
            ]
            for name, each in found.items()
        }

    @classmethod
    def train(cls, *_: Any) -> "Faulty":
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        raise NotImplementedError

    @classmethod
    def load(cls, *_: Any) -> "Faulty":
        raise NotImplementedError

    def parameters_count(self) -> int:
        return 0


def failed(findings: Iterable[Finding]) -> set[str]:
    return {finding.check for finding in findings if not finding.passed}


def sound(_text: str, answer: Prediction, _size: int) -> Prediction:
    return answer


def wider(_text: str, answer: Prediction, _size: int) -> Prediction:
    """Each span takes the space before it."""
    if isinstance(answer, LabelPrediction):
        return answer
    return tuple(replace(span, start=max(0, span.start - 1)) for span in answer)


def test_a_span_with_a_blank_is_found(linear: Approach) -> None:
    assert not failed(answers.offsets(Faulty(linear, sound), ENGLISH))
    assert failed(answers.offsets(Faulty(linear, wider), ENGLISH)) == {"spans are whole words"}


@pytest.mark.parametrize("cut", ["👨‍👩‍👧", "🇩🇪", "👍🏾", "e\u0301"])
def test_a_span_that_cuts_a_cluster_is_found(linear: Approach, cut: str) -> None:
    def half(text: str, answer: Prediction, _size: int) -> Prediction:
        at = text.find(cut)
        return (Span(at, at + 1, "room"),) if at >= 0 and isinstance(answer, tuple) else answer

    spoken = replace(ENGLISH[0], rooms=(f"{cut} room", *ENGLISH[0].rooms[1:]))
    found = list(answers.offsets(Faulty(linear, half), [spoken]))
    assert failed(found) == {"spans are whole words"}


def test_an_answer_that_depends_on_its_batch_is_found(linear: Approach) -> None:
    def crowded(_text: str, answer: Prediction, size: int) -> Prediction:
        return answer if size == 1 or isinstance(answer, LabelPrediction) else ()

    assert not failed(answers.batched(linear, ENGLISH, 1e-3))
    found = list(answers.batched(Faulty(linear, crowded), ENGLISH, 1e-3))
    assert len(found) == 2
    assert all(not finding.passed for finding in found)
    assert "turn off the kitchen" in found[0].found


def test_a_rounded_probability_is_within_its_tolerance_alone(linear: Approach) -> None:
    def rounded(_text: str, answer: Prediction, _size: int) -> Prediction:
        if not isinstance(answer, LabelPrediction):
            return answer
        return replace(answer, probabilities={k: v * 0.99 for k, v in answer.probabilities.items()})

    other = Faulty(linear, rounded)
    assert answers.reloaded(linear, other, ENGLISH, 2e-2, 0).passed
    assert not answers.reloaded(linear, other, ENGLISH, 1e-3, 0).passed


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Approach:
    """A real model of several labels a command."""
    rows = {"toy": toy.rows(ENGLISH[0], "train")}
    made = Resolved("linear", "tfidf", "linear", "full", (toy.SEVERAL,), {}, seed=1)
    return approach("linear").train(made, Path(), rows, rows, tmp_path_factory.mktemp("several"))


def test_sets_of_labels_have_two_one_or_none_and_are_learned(several: Approach) -> None:
    rows = toy.rows(ENGLISH[0], "train")
    assert {row.labels["several"] for row in rows} == {
        (), ("number",), ("off",), ("on",), ("number", "off"), ("number", "on"),
    }  # fmt: skip
    (finding,) = answers.learned(several, ENGLISH)
    assert finding.check == "learns several labels"
    assert finding.passed, finding


def test_sets_that_depend_on_their_batch_are_found(several: Approach) -> None:
    def drop(_text: str, answer: Prediction, size: int) -> Prediction:
        assert isinstance(answer, SetPrediction)
        return replace(answer, labels=answer.labels[:1]) if size == 3 else answer

    def shift(_text: str, answer: Prediction, size: int) -> Prediction:
        assert isinstance(answer, SetPrediction)
        moved = {label: p + (0.01 if size == 3 else 0) for label, p in answer.probabilities.items()}
        return replace(answer, probabilities=moved)

    for change, expected in ((drop, "several ['number', 'o"), (shift, "several ")):
        by_three, by_all = answers.batched(Faulty(several, change), ENGLISH, 1e-3)
        assert not by_three.passed
        assert expected in by_three.found
        assert by_all.passed
    assert all(f.passed for f in answers.batched(Faulty(several, shift), ENGLISH, 0.02))


def test_a_probability_that_is_no_number_is_found(linear: Approach) -> None:
    def broken(_text: str, answer: Prediction, _size: int) -> Prediction:
        if not isinstance(answer, LabelPrediction):
            return answer
        return replace(answer, probabilities=dict.fromkeys(answer.probabilities, math.nan))

    assert not failed(answers.odd_texts(linear, ENGLISH))
    wrong = {"invisible texts have no span", "long texts are answered"}
    assert failed(answers.odd_texts(Faulty(linear, broken), ENGLISH)) == wrong
    assert not within("a check", math.nan, 1, "difference").passed


def test_a_control_token_that_turns_answers_is_found(linear: Approach) -> None:
    def turned(text: str, answer: Prediction, _size: int) -> Prediction:
        if "[PAD]" in text and isinstance(answer, LabelPrediction):
            return replace(answer, label="nothing")
        return answer

    assert answers.control_tokens(linear, ["[PAD]", "</s>"]).passed
    found = answers.control_tokens(Faulty(linear, turned), ["[PAD]", "</s>"])
    assert not found.passed
    assert found.found == "accuracy 0.500"


def test_what_was_not_learned_is_found(linear: Approach) -> None:
    assert not failed(answers.learned(linear, ENGLISH))
    chinese = (toy.language("Chinese"),)
    assert failed(answers.learned(linear, chinese)) == {"learns labels", "learns spans"}


def test_other_weights_give_other_vectors(tmp_path: Path) -> None:
    """The reference is read from the backbone's own files."""
    backbone = architectures.make("bert", tmp_path / "bert")
    made = Resolved("bert", "bert", "heads", "full", toy.TASKS, {}, seed=1)
    cls: Any = approach("heads")
    model = cls.build(made, backbone, Training(max_length=96, precision="fp32"))
    assert reference.vectors(model, backbone, ENGLISH).passed
    weights = load_file(backbone / "model.safetensors")
    name = next(name for name in weights if name.endswith("layer.1.output.dense.bias"))
    weights[name] = weights[name] + torch.linspace(0, 0.1, len(weights[name]))
    save_file(weights, backbone / "model.safetensors", metadata={"format": "pt"})
    assert not reference.vectors(model, backbone, ENGLISH).passed


def test_a_crash_is_a_finding_and_a_refusal_is_not(tmp_path: Path) -> None:
    backbone = architectures.make("qwen2", tmp_path / "qwen2")
    wrong = Setting("heads", languages=ENGLISH, options={"unknown": 1})
    crashed = examine(backbone, wrong, tmp_path / "one")
    assert failed(crashed.findings) == {"trains"}
    (crash,) = (finding for finding in crashed.findings if not finding.passed)
    assert "ValidationError" in crash.found
    assert crashed.refusal is None
    deep = {"attention": "bidirectional", "causal_layers": 9}
    refused = examine(backbone, replace(wrong, options=deep), tmp_path / "two")
    assert "causal_layers: found 9" in str(refused.refusal)
    assert refused.summary("English") == "refused"
    assert not refused.fits("English")


def test_gold_spans_are_whole_words() -> None:
    for spoken in toy.LANGUAGES:
        train, test = toy.rows(spoken, "train"), toy.rows(spoken, "test")
        assert (len(train), len(test)) == (72, 36)
        assert not {row.text for row in train} & {row.text for row in test}
        for row in [*train, *test]:
            label = toy.spans_of(row)
            starts, ends = zip(*words(row.text), strict=True)
            assert all(span.start in starts and span.end in ends for span in label)
            texts = {span.label: row.text[span.start : span.end] for span in label}
            assert texts["room"] in spoken.rooms
            assert texts.get("number", "1").isdecimal()


def test_the_matrix_says_what_failed_and_where(tmp_path: Path) -> None:
    cell, other = ("bert", "heads"), ("gpt2", "prompt")
    slip = Finding("learns spans", False, "0.5", "at least 0.9", "Thai")
    matrix.keep(tmp_path / "found", cell, "bf16", Verdict("heads", [slip]))
    matrix.keep(tmp_path / "found", cell, "padded left", Verdict("heads", []))
    matrix.keep(tmp_path / "found", other, "bf16", Verdict("prompt", [], "gpt2: no"))
    found = matrix.read(tmp_path / "found")
    lines = matrix.table(found, [cell, other, ("albert", "heads")]).splitlines()
    assert lines[2] == "| bert | heads | fits | fits | learns spans (bf16) | fits | fits |"
    assert lines[3].count("refused") == 5
    whole = Verdict("heads", [Finding("learns several labels", True, "1", "0.9", SEVERAL)])
    matrix.keep(tmp_path / "found", ("albert", "heads"), "bf16", whole)
    head, _, *wider = matrix.table(matrix.read(tmp_path / "found"), [cell, other]).splitlines()
    assert head.endswith("| Emoji | several labels |")
    assert [line.split(" | ")[-1] for line in wider] == ["not run |", "refused |"]
    assert whole.summary(SEVERAL) == "fits"
    assert lines[4].count("not run") == 5
    page = tmp_path / "page.md"
    page.write_text(f"before\n{matrix.BEGIN}\nold\n{matrix.END}\nafter\n", encoding="utf-8")
    matrix.rewrite(page, "new")
    assert page.read_text(encoding="utf-8") == (
        f"before\n{matrix.BEGIN}\nnew\n{matrix.END}\nafter\n"
    )
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(PlaitError, match="no <!-- matrix --> … <!-- /matrix --> in it"):
        matrix.rewrite(page, "new")
