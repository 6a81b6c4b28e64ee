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
from plait.benchmark import latency
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
    assert set(contents(root / "predictions" / BOTH)) == {
        "details.json", "home.jsonl", "mistakes.json",
    }  # fmt: skip
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


def test_scores_on_leak_free_rows_are_those_of_the_rows_left(root: Path) -> None:
    lines = list(read_jsonl(root / f"predictions/{BOTH}/home.jsonl"))
    assert [line["id"] for line in lines if line["leaked"]] == list(small.LEAKED)
    clean = [line["correct"] for line in lines if not line["leaked"]]
    details = read_json(root / f"predictions/{BOTH}/details.json")
    slices = {(s["by"], s["slice"]): s for s in details["tasks"]["intent"]["slices"]}
    found = slices["leak", "leak-free"]
    expected = np.mean([correct["intent"] for correct in clean])
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(expected, abs=1e-6)
    assert (found["n"], slices["leak", "leaked"]["n"]) == (len(clean), 2)
    joint = np.mean([all(correct.values()) for correct in clean])
    assert details["joint"]["leak_free"]["exact_match"]["value"] == pytest.approx(joint, abs=1e-6)


def test_where_leaks_are_not_known_nothing_is_called_free_of_them(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("inputs", "heldout", "models"):
        (tmp_path / name).symlink_to(root / name)
    monkeypatch.chdir(tmp_path)
    benchmark_stage(BOTH)
    details = read_json(tmp_path / f"predictions/{BOTH}/details.json")
    assert details["joint"]["leak_free"] is None
    assert "leak" not in {each["by"] for each in details["tasks"]["intent"]["slices"]}
    assert {line["leaked"] for line in read_jsonl(tmp_path / f"predictions/{BOTH}/home.jsonl")} == {
        None
    }


def test_calibration_is_of_the_probabilities_that_were_written(root: Path) -> None:
    lines = list(read_jsonl(root / f"predictions/{BOTH}/home.jsonl"))
    found = read_json(root / f"predictions/{BOTH}/details.json")["tasks"]["intent"]["calibration"]
    sure = [line["probability"]["intent"] for line in lines]
    right = [line["correct"]["intent"] for line in lines]
    assert found["n"] == len(lines)
    gaps = []
    for number in range(15):
        inside = [i for i, p in enumerate(sure) if number / 15 < p <= (number + 1) / 15]
        gaps.append(abs(sum(right[i] - sure[i] for i in inside)) / len(lines))
    assert found["ece"] == pytest.approx(sum(gaps), abs=1e-5)


def test_the_surest_mistakes_are_kept_with_their_text(root: Path) -> None:
    found = read_json(root / f"predictions/{BOTH}/mistakes.json")
    held = {row.id: row for row in small.rows(3, 4)}
    lines = list(read_jsonl(root / f"predictions/{BOTH}/home.jsonl"))
    wrong = [line for line in lines if not line["correct"]["intent"]]
    assert [each["id"] for each in found["intent"]] == [
        line["id"] for line in sorted(wrong, key=lambda line: -line["probability"]["intent"])
    ]
    for mistake in found["intent"]:
        row = held[mistake["id"]]
        assert (mistake["text"], mistake["gold"]) == (row.text, row.labels["intent"])
        assert mistake["answer"] != mistake["gold"]


def test_every_task_has_tests_of_behaviour_on_changed_rows(root: Path) -> None:
    details = read_json(root / f"predictions/{BOTH}/details.json")["tasks"]
    for task, directional in [("intent", "not raise the probability"), ("slots", "is found again")]:
        tests = {each["test"]: each for each in details[task]["behaviour"]}
        assert len(tests) == 4
        assert any(directional in name for name in tests)
        assert all(0 < each["n"] <= len(small.rows(3, 4)) for each in tests.values())
    # TF-IDF of lower-cased words: capitals change nothing.
    (case,) = [t for t in details["intent"]["behaviour"] if t["test"] == "invariance: case"]
    assert case["value"] == 1


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
    assert home["p99_ms"] is None  # of so few texts it would be the maximum
    assert 0 < home["joule_per_answer"] < 100
    assert found["bytes"] == latency.bytes_on_disk(root / "models" / BOTH)
    assert found["tokens_in"] == {"home": None}  # TF-IDF has no tokenizer
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


def test_tokens_are_those_that_the_model_reads(tiny_encoder: Path) -> None:
    texts = ["turn on the kitchen", "turn on the kitchen number 4 turn on the kitchen"]
    lengths = [4 + 2, 10 + 2]  # words, [CLS] and [SEP]
    found = latency.tokens_in(tiny_encoder, texts, 32)
    assert found == {"mean": sum(lengths) / 2, "p95": pytest.approx(np.percentile(lengths, 95))}
    assert latency.tokens_in(tiny_encoder, texts, 8) == {"mean": 7.0, "p95": pytest.approx(7.9)}


def test_the_99th_percentile_needs_a_hundred_texts() -> None:
    times = [i / 1000 for i in range(1, 101)]
    found = latency.percentiles(times)
    assert found["p50_ms"] == pytest.approx(50.5)
    assert found["p99_ms"] == pytest.approx(np.percentile(np.arange(1, 101), 99))
    assert latency.percentiles(times[:99])["p99_ms"] is None


def test_texts_are_spread_over_the_whole_order() -> None:
    texts = [str(i) for i in range(100)]
    assert latency.spread(texts, 5) == ["0", "25", "50", "74", "99"]
    assert latency.spread(texts[:3], 5) == ["0", "1", "2"]


PEAK = "import numpy; from plait.benchmark.latency import peak_rss_mib; a = peak_rss_mib(); "
PEAK += "numpy.ones(300 * 2**17); print(a, peak_rss_mib())"


def test_peak_memory_is_this_process_s_own_and_remembers_what_was_freed() -> None:
    held = np.ones(900 * 2**17)  # 900 MiB here must not show in the other process
    found = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    before, after = map(float, found.stdout.split())
    assert before < held.nbytes / 2**20 / 2
    assert 290 < after - before < 400
