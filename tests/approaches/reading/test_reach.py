"""Texts longer than a model reads at once: what is read, what is said of it, what is tagged."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from conftest import INTENT, SLOTS, candidate, home_rows
from plait.approaches.base import Approach
from plait.approaches.generative import Generative
from plait.approaches.heads import Heads
from plait.approaches.heads.learning import LearnedHeads
from plait.approaches.loading import approach
from plait.files import read_json, write_json
from plait.segmentation import words
from plait.tasks import LabelPrediction, Row, Span
from plait.training.batches import IGNORED

LEARN = {
    "epochs": 30,
    "evaluations": 1,
    "threads": 1,
    "precision": "fp32",
    "max_length": 16,
    "learning_rate": 5e-3,
}
ROWS = home_rows(60)


def joined(count: int, offset: int = 100) -> Row:
    """Commands one after the other, as one long row."""
    text, spans = "", []
    for row in home_rows(count, offset):
        label = row.labels["slots"]
        assert isinstance(label, tuple)
        spans += [Span(s.start + len(text), s.end + len(text), s.label) for s in label]
        text += row.text + " "
    return Row("long", text.rstrip(), {"intent": "turn_on", "slots": tuple(spans)})


def learned(name: str, folder: Path, scratch: Path, *tasks: object, **options: object) -> Approach:
    made = candidate(*(tasks or (SLOTS,)), approach=name, options=options, **LEARN)
    rows = ROWS if INTENT in tasks else [joined(7, 5 * i) for i in range(20)]
    return approach(name).train(made, folder, {"home": rows}, {"home": ROWS[:8]}, scratch)


@pytest.mark.parametrize("name", ["heads", "generative"])
def test_spans_are_found_wherever_a_long_text_has_them(
    name: str, tiny_encoder: Path, tiny_decoder: Path, tmp_path: Path
) -> None:
    folder = tiny_encoder if name == "heads" else tiny_decoder
    model = learned(name, folder, tmp_path)
    long = joined(12)
    [found] = model.predict([long.text])["slots"]
    gold = long.labels["slots"]
    assert isinstance(gold, tuple)
    right = len(set(gold) & set(found))
    assert right >= 0.8 * max(len(gold), len(found))
    assert model.truncated([long.text]) == [False]
    short = ROWS[0].text
    assert model.predict([short, long.text])["slots"][0] == model.predict([short])["slots"][0]


def test_a_label_follows_from_the_first_slice_or_from_all(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    long = [" ".join(["turn on the kitchen"] * 3 + ["what about the garage"] * 30), "turn on"]
    first, mean = (
        learned("heads", tiny_encoder, tmp_path / str(windows), INTENT, windows=windows)
        for windows in (False, True)
    )
    assert first.truncated(long) == [True, False]
    assert mean.truncated(long) == [False, False]
    [one, _], [other, _] = (model.predict(long)["intent"] for model in (first, mean))
    assert isinstance(one, LabelPrediction)
    assert isinstance(other, LabelPrediction)
    assert one.label == "turn_on"
    assert other.label == "query"
    assert sum(other.probabilities.values()) == pytest.approx(1)
    folder = tmp_path / "b"
    folder.mkdir()
    mean.save(folder)
    assert Heads.load(folder, (INTENT,)).truncated(long) == [False, False]


def test_what_is_cut_unknown_and_lost_is_counted(tiny_encoder: Path, tmp_path: Path) -> None:
    model = learned("heads", tiny_encoder, tmp_path, INTENT, SLOTS)
    long = joined(4)
    cut = Row("cut", "turn ☃ on", {"intent": None, "slots": (Span(0, 3, "room"),)})
    found = model.coverage("home", [*ROWS[:3], long, cut])
    assert (found.rows, found.rows_cut) == (5, 1)
    assert found.characters == sum(len(row.text) for row in [*ROWS[:3], long, cut])
    assert 0 < found.characters_cut < len(long.text)
    assert found.tokens_unknown == 1
    gold = sum(len(row.labels["slots"] or ()) for row in [*ROWS[:3], long, cut])
    assert (found.spans, found.spans_lost) == (gold, 1)
    alone = learned("heads", tiny_encoder, tmp_path / "slots", SLOTS)
    assert alone.coverage("home", [long]).characters_cut == 0
    linear = approach("linear").train(
        candidate(SLOTS, approach="linear"), tiny_encoder, {"home": ROWS}, {"home": ROWS}, tmp_path
    )
    assert linear.coverage("home", [long, cut]).spans_lost == 1


def test_every_slice_of_a_long_row_is_learned(tiny_encoder: Path, tiny_decoder: Path) -> None:
    from plait.settings import Training

    long, settings = joined(6), Training.model_validate(LEARN | {"max_length": 16})
    both = LearnedHeads.build(candidate(INTENT, SLOTS), tiny_encoder, settings)
    examples = list(both._examples("home", [long]))
    assert len(examples) > 3
    assert [e["target intent"][0] != IGNORED for e in examples] == [True] + [False] * (
        len(examples) - 1
    )
    gold = long.labels["slots"]
    assert isinstance(gold, tuple)
    begun = sum(1 for e in examples for t in e["target slots"] if t > 0 and t % 2)
    assert begun >= len(gold)
    joint = Generative.build(
        candidate(INTENT, SLOTS, approach="generative"), tiny_decoder, settings
    )
    assert len(list(joint._examples("home", [long]))) > 3


def test_a_tokenizer_that_pads_left_answers_alike_in_any_batch(
    tiny_decoder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "left"
    folder.mkdir()
    for path in tiny_decoder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = read_json(folder / "tokenizer_config.json")
    sides = {"padding_side": "left", "truncation_side": "left"}
    write_json(folder / "tokenizer_config.json", {**config, **sides})
    assert AutoTokenizer.from_pretrained(folder).padding_side == "left"
    model = learned("heads", folder, tmp_path / "s", INTENT, SLOTS)
    texts = [row.text for row in home_rows(20, 60)] + ["turn on"]
    single = [model.predict([text], 1) for text in texts]
    for size in (2, 8, 32):
        found = model.predict(texts, size)
        assert found["slots"] == [each["slots"][0] for each in single]
        labels = [a.label for a in found["intent"] if isinstance(a, LabelPrediction)]
        assert labels == [e["intent"][0].label for e in single]  # type: ignore[union-attr]
    gold = [row.labels["intent"] for row in home_rows(20, 60)]
    assert labels[:20] == gold


def test_a_span_is_whole_words(tiny_encoder: Path, tmp_path: Path) -> None:
    model = learned("heads", tiny_encoder, tmp_path, SLOTS)
    texts = ["turn on the kitchen, attic. garage! 7", "turn on\u00a0\n\u200b the hall"]
    for text, spans in zip(texts, model.predict(texts)["slots"], strict=True):
        assert isinstance(spans, tuple)
        starts, ends = ({place[i] for place in words(text)} for i in (0, 1))
        assert all(s.start in starts and s.end in ends and text[s.start : s.end] for s in spans)
