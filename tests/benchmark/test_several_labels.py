"""The benchmark of a task of several labels: mistakes, and what changes of the text do."""

import pytest

from conftest import candidate
from plait.approaches.linear import Linear
from plait.approaches.reading.coverage import Coverage
from plait.benchmark.heldout import Benchmark, Seen, benchmark
from plait.tasks import Row
from posts import TOPICS, rows


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """Held-out rows of which one has a label that its text doesn't show, and one lacks its own."""
    folder = tmp_path_factory.mktemp("benchmark")
    made = candidate(TOPICS, approach="linear")
    model = Linear.train(made, folder, {"posts": rows(80)}, {"posts": rows(40, 80)}, folder)
    held = [
        Row("unseen", "today nothing it was", {"topics": ("food",)}),
        Row("more", "today soup and song it was", {"topics": ("food",)}),
        *rows(24, 160),
    ]
    seen = Seen({"topics": {"food": 40, "music": 3}}, {}, {"train": {"posts": Coverage()}})
    return benchmark(made, model, {"posts": held}, seen)


def test_a_wrong_answer_without_labels_is_no_sure_mistake(found: Benchmark) -> None:
    lines = {line["id"]: line for line in found.predictions("posts", found.held["posts"])}
    assert lines["unseen"]["answers"]["topics"] == []
    assert lines["unseen"]["correct"]["topics"] is False
    mistakes = found.mistakes()["topics"]
    assert "unseen" not in {mistake["id"] for mistake in mistakes}
    (more,) = [mistake for mistake in mistakes if mistake["id"] == "more"]
    assert (more["gold"], more["answer"]) == (["food"], ["food", "music"])
    mean = sum(lines["more"]["probability"]["topics"][name] for name in more["answer"]) / 2
    assert more["probability"] == pytest.approx(mean, abs=1e-5)


def test_changes_that_lose_a_label_are_seen(found: Benchmark) -> None:
    """Capitals are the same words to the model; two letters in a wrong order are another word."""
    tests = {each["test"]: each for each in found.details()["tasks"]["topics"]["behaviour"]}
    assert tests["invariance: case"]["value"] == 1
    assert 0 < tests["invariance: typo"]["value"] < 1
    assert not any("directional" in name for name in tests)


def test_slices_and_calibration_count_labels(found: Benchmark) -> None:
    part = found.details()["tasks"]["topics"]
    names = {each["slice"] for each in part["slices"] if each["by"].startswith("training rows")}
    assert "no labels" in names
    answered = sum(len(answer.labels) for answer in found.answers["topics"])  # type: ignore[union-attr]
    assert part["calibration"]["n"] == answered
