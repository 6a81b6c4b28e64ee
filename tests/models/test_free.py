"""Answers that are written freely, with tokenizers that put a space before each text."""

from pathlib import Path

import pytest

import architectures
from plait.approaches.base import Resolved
from plait.approaches.generative import Generative
from plait.conformance import toy
from plait.scores.headline import headline

ENGLISH = toy.language("English")
TRAINING = {
    "epochs": 40,
    "batch_size": 16,
    "learning_rate": 3e-3,
    "max_length": 64,
    "precision": "fp32",
    "evaluations": 1,
    "threads": 1,
}


@pytest.mark.parametrize("name", ["Llama 2's tokenizer", "Llama 2's tokenizer.json"])
def test_free_answers_are_valid_and_right(name: str, tmp_path: Path) -> None:
    """The answers read "room : kitchen": the words are right, the white space is not the form's."""
    backbone = architectures.make(f"llama ({name})", tmp_path / "backbone")
    free = Resolved(
        "free", "tiny", "generative", "full", toy.TASKS, TRAINING, 3, {"decoding": "free"}
    )
    rows = toy.rows(ENGLISH, "train")
    model = Generative.train(free, backbone, {"toy": rows}, {"toy": rows}, tmp_path / "scratch")
    before = model.remarks()["invalid"]
    answers = model.predict([row.text for row in rows])
    assert model.remarks()["invalid"] - before <= 2
    for task in toy.TASKS:
        gold = [row.labels[task.field] for row in rows]
        assert headline(task, gold, answers[task.name]) >= 0.9
