"""MASSIVE in scripts without spaces: from raw rows to scores that are a floor."""

from pathlib import Path

import pytest

from plait.experiment.loading import load
from plait.files import read_json, read_jsonl, write_json
from plait.preparation.preparing import prepare
from plait.stages.benchmark import main as benchmark
from plait.stages.train import train
from plait.stages.validate import report, validate
from spaceless import COUNT, write_massive

PARAMS = {
    "seed": 1,
    "tasks": {
        "intent": {"dataset": "massive", "kind": "classification", "field": "intent"},
        "slots": {"dataset": "massive", "kind": "tagging", "field": "slots"},
    },
    "backbones": {"tfidf": {"kind": "none"}},
    "training": {},
    "validation": {},
    "candidates": {
        "floor": {"backbone": "tfidf", "approach": "linear", "tasks": ["intent", "slots"]}
    },
    "services": {},
}


@pytest.mark.parametrize("locale", ["th-TH", "ja-JP"])
def test_massive_without_spaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locale: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_massive(Path("data/massive"), locale)
    datasets = {"massive": {"reader": "massive", "locale": locale}}
    write_json(Path("params.yaml"), {**PARAMS, "datasets": datasets})
    prepare(load(), *map(Path, ("data", "prepared", "inputs", "heldout")))
    described = read_json(Path("prepared/massive/dataset.json"))
    assert sum(described["rows"].values()) == COUNT
    validate()
    failed = {result.rule for result in report().results if not result.passed}
    assert not failed & {"text_script", "text_unlike", "text_mojibake", "text_placeholder"}
    assert not {rule for rule in failed if rule.startswith("span")}
    train("floor")
    benchmark("floor")
    scores = read_json(Path("scores/floor.json"))
    labels = [row["labels"]["intent"] for row in read_jsonl(Path("heldout/floor/massive.jsonl"))]
    guessed = max(labels.count(label) for label in labels) / len(labels)
    assert scores["intent"]["accuracy"] >= 0.9 > guessed + 0.3
    assert scores["slots"]["span_f1"] >= 0.85
