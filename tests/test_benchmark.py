"""The benchmark and timing stages on real, small bundles."""

import csv
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

import small
from plait import latency
from plait.files import read_json, read_jsonl
from plait.stages.benchmark import main as benchmark_stage
from plait.stages.timing import timing as timing_stage
from plait.stages.train import train as train_stage

BOTH = "tfidf-intent+slots"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one candidate was trained and benchmarked."""
    folder = tmp_path_factory.mktemp("pipeline")
    small.write_inputs(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in (BOTH, "tfidf-slots"):
            train_stage(name)
            benchmark_stage(name)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_exactly_these_files_are_written(root: Path) -> None:
    assert set(contents(root / "predictions" / BOTH)) == {"details.json", "home.jsonl"}
    assert set(contents(root / "confusions" / BOTH)) == {"intent.csv"}
    assert set(contents(root / "confusions/tfidf-slots")) == set()
    assert set(contents(root / "scores")) == {f"{BOTH}.json", "tfidf-slots.json"}


def test_scores_are_flat_and_equal_scikit_learn_on_the_written_answers(root: Path) -> None:
    scores = read_json(root / f"scores/{BOTH}.json")
    gold = [row.labels["intent"] for row in small.rows(3, 4)]
    lines = list(read_jsonl(root / f"predictions/{BOTH}/home.jsonl"))
    found = [line["answers"]["intent"] for line in lines]
    assert scores["intent"] == {
        "accuracy": pytest.approx(accuracy_score(gold, found), abs=1e-6),
        "macro_f1": pytest.approx(f1_score(gold, found, average="macro"), abs=1e-6),
    }
    assert 0.5 < scores["intent"]["accuracy"] < 1
    joint = np.mean([all(line["correct"].values()) for line in lines])
    assert scores["joint"] == {"exact_match": pytest.approx(joint, abs=1e-6)}
    assert set(read_json(root / "scores/tfidf-slots.json")) == {"slots"}


def test_each_prediction_says_what_was_answered_how_surely_and_whether_it_is_right(
    root: Path,
) -> None:
    lines = list(read_jsonl(root / f"predictions/{BOTH}/home.jsonl"))
    held = small.rows(3, 4)
    assert [line["id"] for line in lines] == [row.id for row in held]
    for line, row in zip(lines, held, strict=True):
        assert line["correct"]["intent"] == (line["answers"]["intent"] == row.labels["intent"])
        assert 0 < line["probability"]["intent"] <= 1
        assert line["probability"]["slots"] is None
        gold = sorted([s.start, s.end, s.label] for s in row.labels["slots"] or ())
        assert line["correct"]["slots"] == (sorted(line["answers"]["slots"]) == gold)


def test_details_hold_what_the_scores_rest_on(root: Path) -> None:
    details = read_json(root / f"predictions/{BOTH}/details.json")
    intent = details["tasks"]["intent"]
    accuracy = intent["metrics"]["accuracy"]
    assert accuracy["ci95"][0] < accuracy["value"] < accuracy["ci95"][1]
    assert intent["n"] == accuracy["n"] == len(small.rows(3, 4))
    assert sum(map(sum, intent["confusion"]["counts"])) == intent["n"]
    assert {line["label"] for line in details["tasks"]["slots"]["classes"]} == {"area", "name"}
    assert (details["seed"], set(details["heldout"])) == (7, set(details["tasks"]))


def test_the_confusion_file_has_the_matrix_row_by_row(root: Path) -> None:
    details = read_json(root / f"predictions/{BOTH}/details.json")["tasks"]["intent"]["confusion"]
    with (root / f"confusions/{BOTH}/intent.csv").open(newline="") as stream:
        cells = Counter((line["actual"], line["predicted"]) for line in csv.DictReader(stream))
    for actual, counts in zip(details["labels"], details["counts"], strict=True):
        assert [cells[actual, predicted] for predicted in details["labels"]] == counts


def test_a_second_benchmark_writes_the_same_bytes(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = ["scores", "predictions", "confusions"]
    before = {folder: contents(root / folder) for folder in folders}
    monkeypatch.chdir(root)
    benchmark_stage(BOTH)
    assert {folder: contents(root / folder) for folder in folders} == before
    assert str(root) not in json.dumps([str(v) for f in before.values() for v in f.values()])


def test_timing_measures_the_bundle_on_dev_texts(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    timing_stage(BOTH)
    found = read_json(root / f"timings/measured/{BOTH}.json")
    home = found["datasets"]["home"]
    assert 0 < home["p50_ms"] <= home["p95_ms"]
    assert latency.MINIMUM <= home["texts"] <= len(small.rows(1, 4))
    assert home["rows_per_second"] > 1000 / home["p95_ms"] / 5
    assert found["parameters"] > 1000
    assert 20 < found["memory"]["peak_rss_mib"] < 8000
    assert found["machine"]["cpu"]
    assert found["machine"]["cores"] >= 1


def test_latency_is_the_time_of_one_answer() -> None:
    calls: list[int] = []

    def answer(texts: list[str]) -> None:
        calls.append(len(texts))
        time.sleep(0.004 if len(calls) % 10 else 0.03)

    found = latency.latency(answer, [f"text {i}" for i in range(60)], seconds=10)
    assert set(calls) == {1}
    assert len(calls) == latency.WARM_UP + 60
    assert found["texts"] == 60
    assert 4 <= found["p50_ms"] < 25
    assert found["p95_ms"] >= 30


def test_slow_answers_are_timed_on_fewer_texts_but_not_too_few() -> None:
    found = latency.latency(lambda _: time.sleep(0.002), ["x"] * 1000, seconds=0)
    assert found["texts"] == latency.MINIMUM


def test_throughput_counts_rows_of_whole_passes() -> None:
    def answer(texts: list[str], batch_size: int) -> None:
        time.sleep(0.0005 * len(texts))

    found = latency.throughput(answer, ["x"] * 100, seconds=0.3)
    assert 400 < found["rows_per_second"] <= 2000


def test_texts_are_spread_over_the_whole_order() -> None:
    texts = [str(i) for i in range(100)]
    assert latency.spread(texts, 5) == ["0", "25", "50", "74", "99"]
    assert latency.spread(texts[:3], 5) == ["0", "1", "2"]


PEAK = "import numpy; from plait.latency import peak_rss_mib; a = peak_rss_mib(); "
PEAK += "numpy.ones(300 * 2**17); print(a, peak_rss_mib())"


def test_peak_memory_is_this_process_s_own_and_remembers_what_was_freed() -> None:
    held = np.ones(900 * 2**17)  # 900 MiB here must not show in the other process
    found = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    before, after = map(float, found.stdout.split())
    assert before < held.nbytes / 2**20 / 2
    assert 290 < after - before < 400
