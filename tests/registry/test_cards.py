"""The model card: the Hub reads its scores, and people the rest."""

from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results

from plait.files import read_json
from plait.machine import processor
from plait.pages.markdown import escape
from plait.plans.promotion import promote
from plait.registry.packages import registered_card
from plait.registry.records import Record
from plait.registry.store import Registry
from production import experiment, measure

BOTH = "tfidf-intent+slots"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cards")
    measure(root)
    promote(experiment(), root)
    return root


@pytest.fixture
def record(project: Path) -> Record:
    return Registry(project).require("assistant")


def test_the_hub_reads_the_scores(project: Path, record: Record) -> None:
    card = ModelCard(registered_card(Registry(project), record))
    assert card.data.library_name == "plait"
    assert card.data.pipeline_tag == "text-classification"
    assert card.data.tags == ["plait", "text-classification", "token-classification"]
    name, results = model_index_to_eval_results(card.data.to_dict()["model-index"])
    scores = read_json(project / f"scores/{BOTH}.json")
    expected = {(t, m): value for t in ("intent", "slots") for m, value in scores[t].items()}
    assert name == "assistant"
    assert {(r.task_name, r.metric_type): r.metric_value for r in results} == expected
    assert {r.dataset_revision for r in results} == set(record.heldout.values())


def test_people_read_intervals_slices_limits_and_how_to_load(project: Path, record: Record) -> None:
    text = ModelCard(registered_card(Registry(project), record)).text
    details = read_json(project / f"predictions/{BOTH}/details.json")["tasks"]["intent"]
    low, high = details["metrics"]["accuracy"]["ci95"]
    value = details["metrics"]["accuracy"]["value"]
    assert (
        f"| intent | home | Accuracy | 30 | {100 * value:.2f} % | "
        f"{100 * low:.2f} % to {100 * high:.2f} % |"
    ) in text
    part = details["slices"][0]
    share = part["metrics"]["accuracy"]["value"]
    assert f"| intent | length | {part['slice']} | 24 | accuracy | {100 * share:.2f} % |" in text
    assert f"Expected calibration error: intent {details['calibration']['ece']:.3f}" in text
    for line in (escape(record.reason), "## Limits", "plait pull assistant", processor()):
        assert line in text


def test_a_card_is_made_again_equal(project: Path, record: Record) -> None:
    registry = Registry(project)
    assert registered_card(registry, record) == registered_card(Registry(project), record)


def test_the_card_stands_beside_its_record(project: Path, record: Record) -> None:
    registry = Registry(project)
    path = registry.path("assistant", record.number).with_suffix(".md")
    assert path.read_text(encoding="utf-8") == registered_card(registry, record)
