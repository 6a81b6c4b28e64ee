"""Exports of approach `heads`: pipelines and ONNX Runtime answer as plait does."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import regex
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import pipeline

import architectures
import bundled
import plait
from bundled import ABOUT, INTENT, SLOTS
from conftest import home_rows
from plait.errors import PlaitError
from plait.exporting import folding
from plait.exporting.word_pattern import BLANK, WORD
from plait.exporting.writing import export
from plait.files import write_json
from plait.segmentation import words

TEXTS = [row.text for row in home_rows(6, 30)] + ["7up, please: [SEP] lights", "включи свет"]
FEW = ("bert", "roberta", "qwen2")
KNOWN = sorted(architectures.ARCHITECTURES)
UNIGRAM = {"albert", "deberta-v2", "xlm-roberta"}
"""What spells out a control token is one to these tokenizers in transformers."""
NO_CLASS = {"cohere", "gemma2", "gemma3", "granite", "mistral", "mpnet", "olmo2", "phi3"}
"""Architectures without a class that computes a text's logits."""


def rare(names: list[str]) -> list[object]:
    return [pytest.param(n, marks=() if n in FEW else pytest.mark.slow) for n in names]


@contextmanager
def made(name: str, folder: Path) -> Iterator[Path]:
    (folder / "weights").mkdir()
    yield bundled.heads(architectures.make(name, folder / "weights"), folder / "bundle")


@pytest.mark.parametrize("name", rare(sorted({*KNOWN} - NO_CLASS)))
def test_pipelines_answer_as_plait_does(name: str, tmp_path: Path) -> None:
    texts = [text for text in TEXTS if name not in UNIGRAM or "[SEP]" not in text]
    with made(name, tmp_path) as folder:
        own = plait.load(folder).predict(texts)
        for task in (INTENT, ABOUT, SLOTS):
            found = export({"x": folder}, "transformers", tmp_path / task.name, task.name, TEXTS)
            assert next(iter(found.values())).largest < 1e-4
    classify = pipeline("text-classification", model=str(tmp_path / "intent"))
    least = {"off": 0.3, "on": 0.6, "room": 0.5}
    several = pipeline("text-classification", model=str(tmp_path / "about"))
    assert several.model.config.thresholds == pytest.approx(least)
    for text, reply in zip(texts, own, strict=True):
        intent, about = reply.answers["intent"], reply.answers["about"]
        assert isinstance(intent, plait.LabelPrediction)
        assert isinstance(about, plait.SetPrediction)
        (found_one,) = classify([text], truncation=True)
        assert found_one["label"] == intent.label
        assert found_one["score"] == pytest.approx(intent.probabilities[intent.label], abs=1e-4)
        (found_all,) = several([text], top_k=None, truncation=True)
        scores = {each["label"]: each["score"] for each in found_all}
        assert scores == pytest.approx(dict(about.probabilities), abs=1e-4)
        assert {n for n, p in scores.items() if p >= least[n]} == set(about.labels)


def test_spans_of_the_pipeline_are_those_of_plait(tiny_encoder: Path, tmp_path: Path) -> None:
    """Where each word's likeliest tag follows the one before."""
    folder = bundled.heads(tiny_encoder, tmp_path / "bundle")
    export({"x": folder}, "transformers", tmp_path / "out", "slots")
    tag = pipeline(
        "token-classification", model=str(tmp_path / "out"), aggregation_strategy="first"
    )
    compared = 0
    for reply in plait.load(folder).predict([row.text for row in home_rows(30)]):
        names = [each["entity"] for each in _raw(tag, reply.text)]
        if any(n[0] == "I" and b[2:] != n[2:] for b, n in zip(["O", *names], names, strict=False)):
            continue
        found = [(s["start"], s["end"], s["entity_group"]) for s in tag(reply.text)]
        spans = reply.answers["slots"]
        assert isinstance(spans, tuple)
        assert found == [(s.start, s.end, s.label) for s in spans]
        compared += bool(found)
    assert compared > 3


def _raw(tag: object, text: str) -> list[dict[str, str]]:
    """Every word's tag, in order."""
    return tag(text, aggregation_strategy="none", ignore_labels=[])  # type: ignore[operator, no-any-return]


@pytest.mark.parametrize("decoder", [False, True])
def test_the_readme_runs(
    decoder: bool,
    tiny_encoder: Path,
    tiny_decoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = bundled.heads(tiny_decoder if decoder else tiny_encoder, tmp_path / "bundle")
    for task in bundled.TASKS:
        out = tmp_path / task.name
        export({"x": folder}, "transformers", out, task.name)
        page = (out / "README.md").read_text(encoding="utf-8")
        (example,) = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
        monkeypatch.chdir(out)
        capsys.readouterr()
        exec(example, {})  # noqa: S102
        assert capsys.readouterr().out.startswith("[")


@pytest.mark.parametrize("name", rare(sorted(NO_CLASS)))
def test_an_architecture_without_a_class_says_so(name: str, tmp_path: Path) -> None:
    with made(name, tmp_path) as folder, pytest.raises(PlaitError) as error:
        export({"x": folder}, "transformers", tmp_path / "out", "intent")
    assert "Instead, export it with --to onnx, which holds the very same network" in str(
        error.value
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "weights"]


@pytest.mark.parametrize("name", rare([name for name in KNOWN if name != "cohere"]))
def test_onnx_answers_as_plait_does(name: str, tmp_path: Path) -> None:
    """By the program in the folder, in a process that can't import plait, torch, transformers."""
    with made(name, tmp_path) as folder:
        found = export({"x": folder}, "onnx", tmp_path / "out", texts=TEXTS)
        own = plait.load(folder).predict(TEXTS)
    assert next(iter(found.values())).largest < 1e-4
    run = (
        "import sys, runpy; sys.modules |= dict.fromkeys(['plait', 'torch', 'transformers']);"
        "sys.argv[0] = 'answer.py'; runpy.run_path('answer.py', run_name='__main__')"
    )
    command = [sys.executable, "-c", run, *TEXTS]
    done = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True, check=True)
    for line, reply in zip(done.stdout.splitlines(), own, strict=True):
        _same(json.loads(line), reply)


def _same(found: dict[str, object], reply: plait.Reply) -> None:
    for task, answer in reply.answers.items():
        said = found[task]
        if isinstance(answer, plait.LabelPrediction):
            assert said["label"] == answer.label  # type: ignore[index]
        elif isinstance(answer, plait.SetPrediction):
            assert said["labels"] == list(answer.labels)  # type: ignore[index]
        else:
            assert [(s["start"], s["end"], s["label"]) for s in said] == [  # type: ignore[attr-defined]
                (s.start, s.end, s.label) for s in answer
            ]
            continue
        assert said["probabilities"] == pytest.approx(dict(answer.probabilities), abs=1e-4)  # type: ignore[index]


@given(
    st.text(
        alphabet=st.one_of(
            st.characters(codec="utf-8"), st.sampled_from("aé1 \u0301คเ水-_\r\n👍\u200d\u00ad")
        ),
        max_size=12,
    )
)
def test_the_pattern_of_words_finds_the_words(text: str) -> None:
    found = [m.span() for m in regex.finditer(WORD, text) if not regex.fullmatch(BLANK, m[0])]
    assert found == words(text)


def test_several_bundles_get_folders_of_their_own(tiny_encoder: Path, tmp_path: Path) -> None:
    bundles = {
        name: bundled.heads(tiny_encoder, tmp_path / name, task)
        for name, task in (("one", INTENT), ("other", SLOTS))
    }
    found = export(bundles, "onnx", tmp_path / "out")
    assert list(found) == ["tiny-intent", "tiny-slots"]
    for name in found:
        assert {"model.onnx", "README.md"} <= {p.name for p in (tmp_path / "out" / name).iterdir()}


def test_a_graph_that_is_missing_is_named(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = bundled.heads(tiny_encoder, tmp_path / "bundle", INTENT)
    (folder / "heads.onnx").unlink()
    with pytest.raises(PlaitError, match=r"has no ONNX graph; its README\.md says why"):
        export({"x": folder}, "onnx", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_difference_leaves_nothing_behind(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bundled.heads(tiny_encoder, tmp_path / "bundle", INTENT)
    (tmp_path / "out").mkdir()
    write_json(tmp_path / "out/old.json", {})
    monkeypatch.setattr(folding, "SCALE", 10.0)  # the residual is no longer negligible
    with pytest.raises(PlaitError, match=r"largest difference of a probability .* at most 0.0001"):
        export({"x": folder}, "transformers", tmp_path / "out", "intent")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["old.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "out"]


def test_more_labels_than_a_model_is_wide_are_refused(tmp_path: Path, tiny_encoder: Path) -> None:
    many = INTENT.__class__(
        "many", "home", "classification", "many", tuple(f"c{n:02}" for n in range(30)), "accuracy"
    )
    folder = bundled.heads(tiny_encoder, tmp_path / "bundle", many)
    with pytest.raises(PlaitError, match=r"30 labels don't fit, as 33 of its 32 places"):
        export({"x": folder}, "transformers", tmp_path / "out")


@pytest.mark.parametrize("base", [1e4, 1e6])
def test_a_token_attends_to_itself_alone_at_every_distance(base: float) -> None:
    """Of a decoder's extra layer, up to 32768 tokens, with heads of 64."""
    turns = base ** (-torch.arange(0, 64, 2, dtype=torch.float64) / 64)
    distance = torch.arange(1, 1 << 15, dtype=torch.float64)
    likeness = torch.cos(distance[:, None] * turns).sum(1)
    gap = folding.SHARP**2 * 2 * (len(turns) - likeness.max()) / 64**0.5
    assert gap > 200  # exp(-200) is zero in float32
