"""What every approach promises, tried on every line of the registry and each way to use it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState

from conftest import INTENT, SLOTS, candidate, home_rows
from plait.approaches.base import Approach, Resolved
from plait.approaches.loading import approach
from plait.approaches.registry import APPROACHES
from plait.scores.headline import headline
from plait.tasks import LabelPrediction, Prediction, Row, SetPrediction, Span, Task


def all_rows(count: int, offset: int = 0) -> list[Row]:
    """Rows that also say of which rooms and verbs they speak, maybe of neither."""
    return [
        Row(row.id, row.text, {**row.labels, "about": MENTIONED[index % len(MENTIONED)]})
        for index, row in enumerate(home_rows(count, offset))
    ]


MENTIONED: tuple[tuple[str, ...], ...] = (("off", "room"), (), ("room",), ("off", "on"))
ABOUT = Task("about", "home", "multilabel", "about", ("off", "on", "room"), "micro_f1")
TRAIN, DEV = {"home": all_rows(32)}, {"home": all_rows(8, 32)}
TEXTS = [row.text for row in home_rows(9, 40)] + ["a", "turn off the attic number 7 in the hall"]
# float32 everywhere: `auto` would be bfloat16 where the processor has it, with another tolerance.
FAST = {"epochs": 1, "evaluations": 1, "threads": 1, "precision": "fp32"}
BOTH = (INTENT, SLOTS)
EXACT = 1e-4
PACKED = 5e-3  # on a CPU, a decoder's weights that are loaded for answers are rounded to float16
WAYS = {
    "heads": candidate(*BOTH, **FAST),
    "heads, decoder": candidate(*BOTH, **FAST),
    "heads, decoder, bidirectional": candidate(
        *BOTH, options={"attention": "bidirectional", "causal_layers": 1}, **FAST
    ),
    "heads, several labels": candidate(ABOUT, *BOTH, **FAST),
    "heads, lora": candidate(*BOTH, method="lora", **FAST),
    "heads, decoder, lora": candidate(*BOTH, method="lora", **FAST),
    "linear": candidate(*BOTH, approach="linear"),
    "linear, several labels": candidate(ABOUT, *BOTH, approach="linear"),
    "generative": candidate(*BOTH, approach="generative", **FAST),
    "generative, one task, padded": candidate(SLOTS, approach="generative", packing=False, **FAST),
    "generative, apart": candidate(*BOTH, approach="generative", options={"joint": False}, **FAST),
    "generative, free": candidate(
        *BOTH, approach="generative", options={"decoding": "free"}, **FAST
    ),
    "generative, several labels": candidate(ABOUT, *BOTH, approach="generative", **FAST),
    "generative, several labels, last": candidate(INTENT, ABOUT, approach="generative", **FAST),
    "generative, several labels, free": candidate(
        ABOUT, INTENT, approach="generative", options={"decoding": "free"}, **FAST
    ),
    "generative, lora": candidate(
        *BOTH,
        approach="generative",
        method="lora",
        gradient_checkpointing=True,
        gradient_accumulation=2,
        **FAST,
    ),
    "prompt, zero-shot": candidate(*BOTH, approach="prompt", max_length=16, precision="fp32"),
    "prompt, several labels": candidate(
        ABOUT, approach="prompt", max_length=16, precision="fp32", options={"shots": 2}
    ),
    "prompt, two-shot": candidate(
        *BOTH, approach="prompt", max_length=16, precision="fp32", options={"shots": 2}
    ),
    "prompt, nearest": candidate(
        *BOTH,
        approach="prompt",
        max_length=16,
        precision="fp32",
        options={"shots": 2, "examples": "nearest"},
    ),
}


def backbone(way: str, made: Resolved, tiny_encoder: Path, tiny_decoder: Path) -> Path:
    decoding = "decoder" in way or made.approach in ("generative", "prompt")
    return tiny_decoder if decoding else tiny_encoder


def trained(made: Resolved, weights: Path, folder: Path) -> Approach:
    (folder / "scratch").mkdir()
    return approach(made.approach).train(made, weights, TRAIN, DEV, folder / "scratch")


def test_every_line_of_the_registry_is_tried() -> None:
    assert {made.approach for made in WAYS.values()} == set(APPROACHES)
    assert {(w.approach, w.method) for w in WAYS.values()} == {
        (name, method) for name, entry in APPROACHES.items() for method in entry.methods
    }


@pytest.mark.parametrize("way", WAYS)
def test_an_approach_keeps_its_contract(
    way: str, tiny_encoder: Path, tiny_decoder: Path, tmp_path: Path
) -> None:
    made = WAYS[way]
    model = trained(made, backbone(way, made, tiny_encoder, tiny_decoder), tmp_path)
    answers = _answers(model, made, free="free" in way)
    folder = tmp_path / "bundle"
    folder.mkdir()
    model.save(folder)
    again = approach(made.approach).load(folder, made.tasks)
    assert again.parameters_count() == model.parameters_count() > 0
    tolerance = EXACT if made.approach in ("heads", "linear") else PACKED
    for name, found in _answers(again, made, free="free" in way).items():
        _same(answers[name], found, tolerance)


def _answers(model: Approach, made: Resolved, free: bool) -> dict[str, list[Prediction]]:
    """Valid ones, the same batched as one at a time."""
    answers = model.predict(TEXTS, batch_size=4)
    assert set(answers) == {task.name for task in made.tasks}
    single = [model.predict([text], batch_size=1) for text in TEXTS]
    for task in made.tasks:
        assert len(answers[task.name]) == len(TEXTS)
        for text, answer in zip(TEXTS, answers[task.name], strict=True):
            _is_valid(task, text, answer, free)
        _same(answers[task.name], [found[task.name][0] for found in single])
    return answers


def _is_valid(task: Task, text: str, answer: Prediction, free: bool) -> None:
    if isinstance(answer, LabelPrediction):
        assert answer.label in task.labels or free
        assert set(task.labels) <= set(answer.probabilities)
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-4)
    elif isinstance(answer, SetPrediction):
        assert answer.labels == tuple(label for label in task.labels if label in answer.labels)
        assert set(answer.labels) <= set(answer.probabilities) <= set(task.labels)
        assert all(0 <= value <= 1 for value in answer.probabilities.values())
    else:
        assert all(span.label in task.labels and text[span.start : span.end] for span in answer)
        assert list(answer) == sorted(answer)


def _same(one: list[Prediction], other: list[Prediction], tolerance: float = EXACT) -> None:
    for left, right in zip(one, other, strict=True):
        if isinstance(left, LabelPrediction):
            assert isinstance(right, LabelPrediction)
            assert left.probabilities == pytest.approx(right.probabilities, abs=tolerance)
        elif isinstance(left, SetPrediction):
            assert isinstance(right, SetPrediction)
            assert left.labels == right.labels
            assert left.probabilities == pytest.approx(right.probabilities, abs=tolerance)
        else:
            assert isinstance(right, tuple)
            assert left == right
            assert [s.probability for s in left] == pytest.approx(
                [s.probability for s in right], abs=tolerance
            )


def test_the_same_command_gives_the_same_decoder(tiny_decoder: Path, tmp_path: Path) -> None:
    bundles = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        model = trained(WAYS["generative, lora"], tiny_decoder, folder)
        (folder / "bundle").mkdir()
        model.save(folder / "bundle")
        bundles.append((folder / "bundle/model.safetensors").read_bytes())
    assert bundles[0] == bundles[1]


def test_a_decoder_learns_to_answer(tiny_decoder: Path, tmp_path: Path) -> None:
    made = candidate(
        *BOTH,
        approach="generative",
        precision="fp32",
        epochs=40,
        learning_rate=5e-3,
        batch_size=16,
        threads=1,
    )
    model = trained(made, tiny_decoder, tmp_path)
    rows = home_rows(12, 100)
    answers = model.predict([row.text for row in rows])
    right = [
        a.label == row.labels["intent"]
        for a, row in zip(answers["intent"], rows, strict=True)
        if isinstance(a, LabelPrediction)
    ]
    found = [a == row.labels["slots"] for a, row in zip(answers["slots"], rows, strict=True)]
    assert sum(right) >= 10
    assert sum(found) >= 8
    assert isinstance(answers["slots"][0], tuple)
    assert all(isinstance(span, Span) for span in answers["slots"][0])


BF16 = 2e-2  # bfloat16 keeps 8 significant bits, and kernels differ in the order of their sums


@pytest.fixture
def other_precision() -> Iterator[None]:
    """accelerate keeps one precision a process: a training of another needs it forgotten."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("other_precision")
def test_bfloat16_answers_are_alike_once_loaded(tiny_encoder: Path, tmp_path: Path) -> None:
    """`auto` is bfloat16 where the processor has it: this must hold on the others, too."""
    made = candidate(*BOTH, epochs=2, precision="bf16", threads=1)
    model = trained(made, tiny_encoder, tmp_path)
    folder = tmp_path / "bundle"
    folder.mkdir()
    model.save(folder)
    again = approach(made.approach).load(folder, made.tasks)
    before, after = model.predict(TEXTS), again.predict(TEXTS)
    for task in made.tasks:
        _same(before[task.name], after[task.name], BF16)
    assert again.parameters_count() == model.parameters_count() > 0


def test_a_decoder_learns_which_labels_apply(tiny_decoder: Path, tmp_path: Path) -> None:
    """Of a text that names a room, a verb or both, and of which each row knows all."""
    about = Task("about", "home", "multilabel", "about", ("number", "off", "query"), "micro_f1")

    def known(row: Row) -> Row:
        signs = {"number": "number", "turn off": "off", "what": "query"}
        names = sorted(label for sign, label in signs.items() if sign in row.text)
        return Row(row.id, row.text, {"about": tuple(names)})

    made = candidate(about, approach="generative", batch_size=16, **{**FAST, "epochs": 25})
    (tmp_path / "scratch").mkdir()
    train, dev = (
        {"home": [known(row) for row in home_rows(n, at)]} for n, at in [(48, 0), (12, 48)]
    )
    model = approach("generative").train(made, tiny_decoder, train, dev, tmp_path / "scratch")
    held = [known(row) for row in home_rows(12, 100)]
    answers = model.predict([row.text for row in held])["about"]
    assert len({row.labels["about"] for row in held}) == 6, "none to two labels"
    assert headline(about, [row.labels["about"] for row in held], answers) > 0.9
