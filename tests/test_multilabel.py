"""A task of several labels beside a classification of the same rows, from a file to a reply."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from plait.benchmark.latency import bytes_on_disk, measure, tokens_in
from plait.benchmark.request_latency import time_plans
from plait.bundle import load as load_bundle
from plait.commands.predict import predict
from plait.commands.validate import validate
from plait.experiment.loading import check, load
from plait.files import read_json, read_jsonl, sha256, write_json
from plait.plans.promotion import promote
from plait.preparation.fetching import fetch
from plait.preparation.preparing import prepare
from plait.serving.service import Service
from plait.stages.benchmark import main as benchmark
from plait.stages.report import main as report
from plait.stages.train import train
from plait.tasks import SetPrediction, read_rows
from posts import LABELS, rows
from reports import Page

PLANS = {
    "floor": ["tfidf"],
    "consolidated": ["tiny"],
    "apart": ["tiny-topics", "tfidf-count"],
}
TASKS = ("topics", "count")
TRAINING = {
    "epochs": 14, "batch_size": 16, "learning_rate": 5e-3, "max_length": 32, "precision": "fp32",
    "threads": 1, "evaluations": 2,
}  # fmt: skip


def params() -> dict[str, Any]:
    def candidate(backbone: str, *tasks: str) -> dict[str, Any]:
        approach = "linear" if backbone == "tfidf" else "heads"
        return {"backbone": backbone, "approach": approach, "tasks": list(tasks)}

    return {
        "seed": 3,
        "datasets": {
            "posts": {
                "reader": "table",
                "files": [{"path": "posts.csv", "sha256": sha256(Path("posts.csv"))}],
                "id": "id",
                "labels": {"count": "count"},
                "label_sets": {"topics": {"column": "tags", "separator": ";", "empty": "no label"}},
            }
        },
        "tasks": {
            "topics": {"dataset": "posts", "kind": "multilabel", "field": "topics"},
            "count": {"dataset": "posts", "kind": "classification", "field": "count"},
        },
        "backbones": {
            "tfidf": {"kind": "none"},
            "small": {"kind": "encoder", "hub": {"repo": "none/none", "revision": "0" * 40}},
        },
        "training": TRAINING,
        "validation": {
            "rules": {
                "text_in_train_share": "warn",
                "text_in_dev_share": "warn",
                "text_duplicate": "warn",
                "text_near_duplicate": "warn",
            },
            "max_duplicate_share": 1,
            "max_leaked_share": 1,
        },
        "candidates": {
            "tfidf": candidate("tfidf", *TASKS),
            "tfidf-count": candidate("tfidf", "count"),
            "tiny": candidate("small", *TASKS),
            "tiny-topics": candidate("small", "topics"),
        },
        "services": {
            "desk": {
                "tasks": list(TASKS),
                "plans": PLANS,
                "floor": "floor",
                "gates": {"tasks": {"topics": 0.6}},
                "undecided": "fewer-models",
            }
        },
    }


def write_posts(count: int) -> None:
    lines = ["id,text,tags,count"]
    for row in rows(count):
        tags = ";".join(reversed(row.labels["topics"] or ()))
        lines.append(f'{row.id},"{row.text} {row.id}",{tags},{row.labels["count"]}')
    Path("posts.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def time_everything() -> None:
    """What the timing and request stages write, measured in less time."""
    models = {}
    for name in params()["candidates"]:
        folder = Path("models", name)
        texts = [row.text for row in read_rows(Path("inputs", name, "dev", "posts.jsonl"))]
        _, models[name] = load_bundle(folder)
        timing = {
            **measure(models[name], {"posts": texts}, 0.1),
            "bytes": bytes_on_disk(folder),
            "tokens_in": {"posts": tokens_in(folder, texts, 32)},
        }
        write_json(Path("timings/measured", f"{name}.json"), timing)
    plans = {plan: [models[name] for name in names] for plan, names in PLANS.items()}
    write_json(Path("timings/requests/desk.json"), time_plans(plans, texts, 0.2))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """A project that was fetched, checked, trained, benchmarked, reported and promoted."""
    folder = tmp_path_factory.mktemp("posts")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_posts(240)
        Path("params.yaml").write_text(yaml.safe_dump(params()), encoding="utf-8")
        Path("dvc.yaml").touch()
        local = {**params(), "candidates": {}, "services": {}}
        del local["backbones"]["small"]  # its weights are made here, not fetched
        fetch(check(local, "params.yaml"), Path("data"), Path("weights"))
        Path("weights/small").symlink_to(tiny_encoder)
        prepare(load(), *(Path(name) for name in ("data", "prepared", "inputs", "heldout")))
        validate()
        for name in params()["candidates"]:
            train(name)
            benchmark(name)
        time_everything()
        report()
        promote(load(), Path())
    return folder


def test_splits_share_every_set_of_labels(root: Path) -> None:
    kept = {
        split: list(read_jsonl(root / f"inputs/tiny/{split}/posts.jsonl"))
        for split in ("train", "dev")
    }
    assert {len(each) for each in kept.values()} == {172, 20}
    for found in kept.values():
        names = {label for row in found for label in row["labels"]["topics"]}
        assert names == set(LABELS)
        assert any(row["labels"]["topics"] == [] for row in found)


def test_validation_counts_labels(root: Path) -> None:
    results = read_json(root / "validation/report.json")["results"]
    found = [result for result in results if result["task"] == "topics"]
    rules = {result["rule"] for result in found}
    assert {"label_null", "label_count", "label_support", "label_unseen", "label_conflict"} <= rules
    assert "label_balance" not in rules
    assert all(result["passed"] for result in found)
    unseen = next(r for r in found if r["rule"] == "label_unseen" and r["split"] == "heldout")
    assert "held-out labels" in unseen["sentence"]


def test_scores_and_predictions(root: Path) -> None:
    for name, least in (("tfidf", 0.9), ("tiny", 0.8), ("tiny-topics", 0.8)):
        scores = read_json(root / f"scores/{name}.json")
        assert list(scores["topics"]) == ["exact_match", "macro_f1", "micro_f1"]
        assert scores["topics"]["micro_f1"] >= least
    details = read_json(root / "predictions/tfidf/details.json")
    part = details["tasks"]["topics"]
    assert part["kind"] == "multilabel"
    assert set(part["cardinality"]) == {"gold", "answers"}
    assert details["joint"]["metrics"]["exact_match"]["n"] == part["n"]
    for line in read_jsonl(root / "predictions/tfidf/posts.jsonl"):
        assert line["correct"]["topics"] == (line["gold"]["topics"] == line["answers"]["topics"])
        assert list(line["probability"]["topics"]) == list(LABELS)
    assert not (root / "confusions/tfidf/topics.csv").exists()
    tests = {test["test"] for test in part["behaviour"]}
    assert tests
    assert all(test.startswith("invariance") for test in tests)


def test_the_report_shows_labels_and_counts(root: Path) -> None:
    text = (root / "report/report.md").read_text(encoding="utf-8")
    for line in ("topics micro-F1, %", "topics macro-F1, %", "topics exact match, %"):
        assert line in text
    assert "Where several labels may apply" in text
    page = Page((root / "report/index.html").read_text(encoding="utf-8"))
    assert "By label" in page.words
    assert "Labels of a row, on average" in page.words
    (table, *_) = [t for t in page.tables if t[0][-1] == "Neither"]
    assert [line[0] for line in table[1:]] == list(LABELS)
    for line in table[1:]:
        assert sum(map(int, line[-4:])) == 48
    first = read_json(root / "report/summary.json")["services"][0]
    assert first["headlines"] == {"topics": "micro_f1", "count": "accuracy"}


def test_the_champion_answers_with_labels(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    service = Service.load("desk")
    assert set(service.champion.tasks) == set(TASKS)
    reply, nothing = service.answer(["today soup and song it was", "today nothing it was"])
    answer = reply.answers["topics"]
    assert isinstance(answer, SetPrediction)
    assert answer.labels == ("food", "music")
    found = reply.as_json()["answers"]["topics"]["labels"]
    assert [each["label"] for each in found] == ["food", "music"]
    assert nothing.as_json()["answers"]["topics"] == {"labels": []}
    app = typer.Typer()
    app.command()(predict)
    shown = CliRunner().invoke(app, ["today soup and song it was"]).stdout.splitlines()
    (at,) = [place for place, line in enumerate(shown) if line.startswith("  topics: food ")]
    assert shown[at + 1].startswith("          music ")
    assert "  topics: none" in CliRunner().invoke(app, ["today nothing it was"]).stdout
    lines = CliRunner().invoke(app, ["--json"], input="today soup it was\n").stdout
    (label,) = json.loads(lines)["answers"]["topics"]["labels"]
    assert label["label"] == "food"


def test_a_gate_of_micro_f1_decides(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from plait.plans.gates import Evidence
    from plait.plans.verdict import judge
    from plait.scores.row_results import row_results

    monkeypatch.chdir(root)
    settings = params()
    settings["services"]["desk"]["gates"] = {"tasks": {"topics": 1}}
    experiment = check(settings, "params.yaml")
    names = list(experiment.candidates)
    scores = {name: read_json(Path("scores", f"{name}.json")) for name in names}
    for name in names:
        scores[name].get("topics", {})["micro_f1"] = 0.999
    results = {
        name: {
            task: row_results(read_jsonl(Path("predictions", name, "posts.jsonl")), task)
            for task in experiment.candidates[name].tasks
        }
        for name in names
    }
    details = {name: read_json(Path("predictions", name, "details.json")) for name in names}
    verdict = judge(experiment, "desk", scores, results, Evidence(details, ()))
    assert verdict.winner is None
    assert "topics" in verdict.sentence
