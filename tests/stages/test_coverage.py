"""What a candidate does not read is counted by the stages, from training to predictions."""

from pathlib import Path

import pytest

import production
import small
from plait.errors import PlaitError
from plait.files import read_json, read_jsonl
from plait.stages.benchmark import main as benchmark_stage
from short import approach_short, read

__all__ = ["approach_short"]
BOTH = "tfidf-intent+slots"
ROWS = {"train": small.rows(0, 2), "dev": small.rows(1, 4), "heldout": small.rows(3, 4)}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A candidate that reads seven words was trained and benchmarked."""
    folder = tmp_path_factory.mktemp("short")
    small.write_inputs(folder)
    production.train(folder, BOTH, approach="short")
    return folder


def cut(split: str) -> list[bool]:
    return [read(row.text) < len(row.text) for row in ROWS[split]]


def lost(split: str) -> int:
    spans = [(row.text, span) for row in ROWS[split] for span in row.labels["slots"] or ()]
    return sum(span.end > read(text) for text, span in spans)


def test_the_bundle_says_what_was_read_of_train_and_dev(root: Path) -> None:
    found = read_json(root / f"models/{BOTH}/coverage.json")
    assert {split: list(datasets) for split, datasets in found.items()} == {
        "train": ["home"],
        "dev": ["home"],
    }
    for split in ("train", "dev"):
        counts = found[split]["home"]
        assert 0 < counts["rows_cut"] == sum(cut(split)) < counts["rows"] == len(ROWS[split])
        assert 0 < counts["spans_lost"] == lost(split) < counts["spans"]


def test_it_is_said_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small.write_inputs(tmp_path)
    # A length of its own, as a line is said once in a process.
    production.train(tmp_path, BOTH, approach="short", training={"max_length": 9})
    lines = [line for line in capsys.readouterr().err.splitlines() if "max_length" in line]
    for split, line in zip(("train", "dev"), lines, strict=True):
        assert line.startswith(
            f"{BOTH}, home: {sum(cut(split))} of {len(ROWS[split])} {split} rows are longer than "
            "max_length 9: "
        )
        assert f"{lost(split)} of {2 * len(ROWS[split])} gold spans of {split} rows" in line


def test_details_have_all_three_splits(root: Path) -> None:
    details = read_json(root / f"predictions/{BOTH}/details.json")
    bundle = read_json(root / f"models/{BOTH}/coverage.json")
    heldout = details["coverage"].pop("heldout")
    assert details["coverage"] == bundle
    assert 0 < heldout["home"]["rows_cut"] == sum(cut("heldout"))
    assert heldout["home"]["rows"] == len(ROWS["heldout"])


def test_each_prediction_says_whether_its_text_was_cut(root: Path) -> None:
    lines = list(read_jsonl(root / f"predictions/{BOTH}/home.jsonl"))
    assert [line["truncated"] for line in lines] == cut("heldout")


def test_a_bundle_without_coverage_is_named(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.write_inputs(tmp_path)
    production.train(tmp_path, BOTH)
    (tmp_path / f"models/{BOTH}/coverage.json").unlink()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PlaitError, match=r"coverage.json: no such file.*Train it again"):
        benchmark_stage(BOTH)
