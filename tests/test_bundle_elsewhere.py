"""A bundle of heads, loaded in plain transformers: random heads would answer without a word."""

from pathlib import Path

import pytest
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertForSequenceClassification,
    pipeline,
)

from conftest import INTENT, SLOTS, candidate, home_rows
from plait import bundle
from plait.approaches.heads import Heads
from plait.files import read_json


@pytest.fixture(scope="module")
def folder(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    scratch, made = tmp_path_factory.mktemp("elsewhere"), candidate(INTENT, SLOTS, epochs=0.2)
    rows = {"home": home_rows(16)}
    bundle.save(Heads.train(made, tiny_encoder, rows, rows, scratch / "s"), made, scratch / "b")
    return scratch / "b"


@pytest.mark.parametrize(
    "loading",
    [
        AutoConfig.from_pretrained,
        AutoModel.from_pretrained,
        AutoModelForSequenceClassification.from_pretrained,
        AutoModelForTokenClassification.from_pretrained,
        BertForSequenceClassification.from_pretrained,
        lambda folder: pipeline("text-classification", model=str(folder)),
        lambda folder: AutoModel.from_pretrained(folder / "backbone"),
    ],
)
def test_it_fails_loudly(loading: object, folder: Path) -> None:
    assert callable(loading)
    with pytest.raises((OSError, ValueError), match=r"plait-heads|model\.safetensors|config"):
        loading(folder)


def test_it_says_what_it_is(folder: Path) -> None:
    config = read_json(folder / "config.json")
    assert (config["model_type"], config["load_with"]) == ("plait-heads", "plait.bundle.load")
    assert config["tasks"]["intent"]["id2label"] == {
        "0": "query",
        "1": "turn_off",
        "2": "turn_on",
    }
    assert config["tasks"]["slots"]["id2label"]["1"] == "B-number"
