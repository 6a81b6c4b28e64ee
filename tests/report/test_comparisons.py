"""What the report says of candidates against one another, of seeds, slices, looks and the paper."""

from pathlib import Path
from typing import Any

import pytest

import small
from plait.benchmark import looks
from plait.experiment import loading
from plait.experiment.schema import Experiment
from plait.files import read_json
from plait.report.compared import non_inferiority_table
from plait.report.comparisons import compare_all
from plait.report.paper import paper_table
from plait.report.pictures import pareto
from plait.report.results import collect
from plait.stages.request import request as request_stage
from reports import ASSISTANT, PARAMS, Page, measured, page, root

__all__ = ["page", "root"]


@pytest.mark.parametrize(
    ("undecided", "winner", "sentence"),
    [
        ("keep", "one-per-task", "Plan one-per-task (tfidf-intent, tfidf-slots) wins: mean "),
        ("fewer-models", "consolidated", "Plan consolidated (tfidf-intent+slots) wins: mean "),
    ],
)
def test_without_a_floor_the_setting_decides_at_equal_scores_on_few_rows(
    root: Path, undecided: str, winner: str, sentence: str
) -> None:
    service = {**ASSISTANT, "floor": None, "undecided": undecided}
    settings = {**PARAMS, "services": {"assistant": service}}
    found: Experiment = loading.check(settings, "params.yaml")
    every = {name: measured(root, name) for name in small.CANDIDATES}
    requests = {"assistant": read_json(root / "timings/requests/assistant.json")}
    verdict = collect(found, every, requests).services[0].verdict
    assert verdict.winner == winner
    assert verdict.sentence.startswith(sentence)
    assert {(t.task, t.finding) for t in verdict.comparisons} == {
        ("intent", "undecided"),  # the same answers, but 30 rows can't exclude a loss of 1 point
        ("slots", "undecided"),
    }


def test_several_tasks_are_compared_with_each_alone_and_corrected(root: Path) -> None:
    rows = {name: measured(root, name).row_results() for name in small.CANDIDATES}
    found = compare_all(loading.check(PARAMS, "params.yaml"), rows)
    assert [(line.first, line.second, line.task) for line in found.transfer] == [
        ("tfidf-intent+slots", "tfidf-intent", "intent"),
        ("tfidf-intent+slots", "tfidf-slots", "slots"),
    ]
    assert len(found.pairs) == 2
    assert all(line.difference.value == 0 and line.p_holm == 1 for line in found.pairs)
    assert found.seeds == ()


def test_candidates_that_differ_in_their_seed_alone_give_mean_and_spread(root: Path) -> None:
    candidates = {
        f"{name}-{seed}": {**PARAMS["candidates"][name], "seed": seed}
        for name in small.CANDIDATES
        for seed in (1, 2)
    }
    settings = {**PARAMS, "candidates": candidates, "services": {}}
    rows = {name: measured(root, name[:-2]).row_results() for name in candidates}
    found = compare_all(loading.check(settings, "params.yaml"), rows)
    scores, advantages = found.seeds[:4], found.seeds[4:]
    assert [(line.task, line.seeds) for line in scores] == [
        ("intent", (1, 2)), ("slots", (1, 2)), ("intent", (1, 2)), ("slots", (1, 2)),
    ]  # fmt: skip
    value = read_json(root / "scores/tfidf-intent.json")["intent"]["accuracy"]
    assert scores[0].spread.mean == pytest.approx(value, abs=1e-6)
    assert (scores[0].spread.sd, scores[0].rows is not None) == (0, True)
    assert [line.spread.mean for line in advantages] == [0, 0]
    # Each seed of several tasks stands against the same seed of one.
    assert len(found.transfer) == 4


def test_plans_are_compared_over_the_seeds_that_both_sides_have(root: Path) -> None:
    more = {
        f"{name}-again": {**PARAMS["candidates"][name], "seed": 2}
        for name in ("tfidf-intent+slots", "tfidf-slots")
    }
    service = {**ASSISTANT, "floor": None}
    candidates = {**PARAMS["candidates"], **more}
    settings = {**PARAMS, "candidates": candidates, "services": {"assistant": service}}
    found = loading.check(settings, "params.yaml")
    every = {name: measured(root, name.removesuffix("-again")) for name in found.candidates}
    requests = {"assistant": read_json(root / "timings/requests/assistant.json")}
    judged = collect(found, every, requests).services[0]
    _, head, lines = non_inferiority_table(judged)
    plans = [line[head.index("Plan")] for line in lines]
    assert [test.seeds for test in judged.verdict.comparisons] == [(), (), (1, 2)]
    assert plans == ["consolidated", "consolidated", "consolidated, mean of seeds 1, 2"]
    assert [line[0] for line in lines] == ["intent accuracy", "slots span F1", "slots span F1"]


def test_candidates_of_different_options_are_no_seeds_of_one_another(root: Path) -> None:
    hub = {"repo": "own/tiny", "revision": 40 * "0"}
    backbones = {"tiny": {"kind": "encoder", "hub": hub}}
    made = {"backbone": "tiny", "approach": "heads", "tasks": ["intent", "slots"]}
    candidates: dict[str, dict[str, Any]] = {str(n): {**made, "seed": n} for n in (1, 2)}
    settings = {**PARAMS, "backbones": backbones, "candidates": candidates, "services": {}}
    rows = {name: measured(root, "tfidf-intent+slots").row_results() for name in candidates}
    alike = compare_all(loading.check(settings, "params.yaml"), rows)
    assert [line.seeds for line in alike.seeds] == [(1, 2), (1, 2)]
    candidates["2"]["options"] = {"weights": {"slots": 3}}
    assert compare_all(loading.check(settings, "params.yaml"), rows).seeds == ()


DECODER = {"tiny": {"kind": "decoder", "hub": {"repo": "own/tiny", "revision": 40 * "0"}}}
HEADS = {"backbone": "tiny", "approach": "heads"}
GENERATIVE = {"backbone": "tiny", "approach": "generative"}
LORA = {**HEADS, "method": "lora"}


@pytest.mark.parametrize(
    ("common", "several", "one", "paired"),
    [
        (HEADS, {}, {}, True),
        (HEADS, {"training": {"epochs": 8}}, {}, False),  # longer is no matter of tasks
        (HEADS, {"training": {"epochs": 8}}, {"training": {"epochs": 8}}, True),
        (HEADS, {"training": {"epochs": 3}}, {}, True),  # what holds anyway
        (HEADS, {}, {"training": {"learning_rate": 1e-3}}, False),
        (LORA, {"training": {"lora": {"dropout": 0.1}}}, {}, False),
        (HEADS, {"options": {"attention": "bidirectional"}}, {}, False),
        (HEADS, {"options": {"attention": "causal"}}, {}, True),
        (GENERATIVE, {"options": {"decoding": "free"}}, {}, False),
        (HEADS, {"seed": 5}, {}, False),
        # How several tasks go together says nothing of one.
        (HEADS, {"training": {"temperature": 2}}, {}, True),
        (HEADS, {"options": {"weights": {"slots": 3}}}, {}, True),
        (GENERATIVE, {"options": {"joint": False}}, {}, True),
    ],
)
def test_several_tasks_are_compared_only_with_one_that_was_trained_alike(
    root: Path,
    common: dict[str, Any],
    several: dict[str, Any],
    one: dict[str, Any],
    paired: bool,
) -> None:
    candidates = {
        "several": {**common, "tasks": ["intent", "slots"], **several},
        "one": {**common, "tasks": ["intent"], **one},
    }
    settings = {**PARAMS, "backbones": DECODER, "candidates": candidates, "services": {}}
    rows = {
        "several": measured(root, "tfidf-intent+slots").row_results(),
        "one": measured(root, "tfidf-intent").row_results(),
    }
    found = compare_all(loading.check(settings, "params.yaml"), rows)
    expected = [("several", "one", "intent")] if paired else []
    assert [(line.first, line.second, line.task) for line in found.transfer] == expected


def test_the_paper_s_cells_are_reported_ours_measured_or_not_comparable() -> None:
    tasks = {
        "topic": {"dataset": "posts", "kind": "classification", "field": "group"},
        "intent": {"dataset": "massive", "kind": "classification", "field": "intent"},
        "home": {"dataset": "home", "kind": "classification", "field": "intent"},
    }
    candidates = {t: {"backbone": "tfidf", "approach": "linear", "tasks": [t]} for t in tasks}
    settings: dict[str, Any] = {**PARAMS, "tasks": tasks, "candidates": candidates, "services": {}}
    posts: dict[str, Any] = {"reader": "twenty_newsgroups", "variant": "raw"}
    scores = {task: {task: {"accuracy": 0.5}} for task in tasks}

    def lines(**more: Any) -> dict[str, list[str]]:
        datasets = {
            "posts": {**posts, **more},
            "massive": {"reader": "massive"},
            "home": {"reader": "home_assistant"},
        }
        found = loading.check({**settings, "datasets": datasets}, "params.yaml")
        return {
            line.model: [cell.provenance for cell in line.cells]
            for line in paper_table(found, scores)
        }

    assert set(lines()) == {"Llama3-70B, fully fine-tuned", "topic", "intent"}
    assert lines()["Llama3-70B, fully fine-tuned"] == ["reported (arXiv 2412.08587)"] * 4
    assert lines()["topic"] == ["measured here", "", "", ""]
    assert lines()["intent"][2] == "not comparable: MASSIVE (SLURP/HWU reconstruction)"
    other = lines(variant="cachopo", limit={"heldout": 1000})["topic"][0]
    assert other == "not comparable: variant cachopo, 1,000 heldout rows"


def test_without_a_task_of_the_paper_there_is_no_table_of_it(page: Page) -> None:
    assert "Paper versus ours" not in page.words
    assert "negative transfer" in page.words


def test_the_front_joins_what_none_beats_in_both() -> None:
    assert pareto([(3, 9), (1, 5), (2, 4), (4, 8)]) == [(1, 5), (3, 9)]


def test_slices_calibration_tests_of_behaviour_and_mistakes_are_shown(
    root: Path, page: Page
) -> None:
    (mistake, *_) = read_json(root / "predictions/tfidf-intent/mistakes.json")["intent"]
    assert mistake["text"] in page.words
    for word in ("leak-free", "invariance: typo", "Expected calibration error", "directional: "):
        assert word in page.words
    text = (root / "report/index.html").read_text(encoding="utf-8")
    assert text.count("Right against probability") == 4  # a picture a candidate and task


def test_looks_at_held_out_rows_are_counted_by_model_since_they_were_pinned(
    root: Path, page: Page
) -> None:
    # intent and slots: by the candidate of both tasks, and each by one of its own
    assert "since they were pinned: intent 2, slots 2." in page.words
    ledger = root / looks.LEDGER
    pin = read_json(root / "predictions/tfidf-intent/details.json")["heldout"]
    assert looks.count(ledger, pin) == {"intent": 2}
    assert looks.count(ledger, {"intent": "rows of a new pin"}) == {"intent": 0}
    assert looks.count(root / "none.jsonl", pin) == {"intent": 0}


def test_the_request_stage_times_every_plan_of_its_service(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("models", "inputs", "params.yaml"):
        (tmp_path / name).symlink_to(root / name)
    monkeypatch.chdir(tmp_path)
    request_stage("assistant")
    found = read_json(tmp_path / "timings/requests/assistant.json")
    ways = {plan: set(ways) for plan, ways in found["plans"].items()}
    assert ways == {
        "consolidated": {"in sequence"},
        "one-per-task": {"in sequence", "in parallel"},
    }
    way = found["plans"]["consolidated"]["in sequence"]
    assert 0 < way["p50_ms"] <= way["p95_ms"]
    assert way["texts"] == len(small.rows(1, 4))
