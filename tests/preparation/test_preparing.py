"""From an experiment's settings to its prepared files, through the real stages and DVC."""

import copy
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import projects
from plait.approaches.base import Resolved
from plait.errors import PlaitError
from plait.experiment.loading import check
from plait.experiment.schema import Experiment
from plait.files import read_json, read_jsonl
from plait.preparation.fetching import fetch
from plait.preparation.preparing import prepare
from plait.running.graph import environment
from plait.tasks import Span, read_rows

ROWS = [
    {"id": f"n{i}", "text": f"Secret  {i} of Ann", "topic": "xyz"[i % 3], "part": part, "who": who}
    for i, (part, who) in enumerate(
        [*[("train", [[0, 6, "noun"]])] * 6, *[("dev", [])] * 3, *[("test", [[0, 6, "verb"]])] * 3]
    )
]
CONTENT = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)
OTHER = b"text,label\nhello,greeting\nbye,parting\nhi,greeting\nciao,parting\n"
PARAMS: dict[str, Any] = {
    "seed": 5,
    "datasets": {
        "notes": {
            "reader": "table",
            "files": [{"path": "notes.jsonl", "sha256": hashlib.sha256(CONTENT).hexdigest()}],
            "id": "id",
            "split": "part",
            "labels": {"topic": "topic"},
            "spans": {"slots": "who"},
        },
        "words": {
            "reader": "table",
            "files": [{"path": "words.csv", "sha256": hashlib.sha256(OTHER).hexdigest()}],
            "labels": {"kind": "label"},
            "fractions": {"dev": 0.5, "heldout": 0.5},
        },
    },
    "tasks": {
        "topic": {"dataset": "notes", "kind": "classification", "field": "topic"},
        "slots": {"dataset": "notes", "kind": "tagging", "field": "slots"},
        "kind": {"dataset": "words", "kind": "classification", "field": "kind"},
    },
    "backbones": {"tfidf": {"kind": "none"}},
    "training": {"epochs": 2},
    "candidates": {
        "tfidf-topic": {"backbone": "tfidf", "approach": "linear", "tasks": ["topic"]},
        "tfidf-all": {
            "backbone": "tfidf",
            "approach": "linear",
            "tasks": ["topic", "slots", "kind"],
            "training": {"epochs": 7},
            "seed": 9,
        },
    },
    "services": {},
    "validation": {},
}


@pytest.fixture
def params() -> dict[str, Any]:
    return copy.deepcopy(PARAMS)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with the user's two files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.jsonl").write_bytes(CONTENT)
    (tmp_path / "words.csv").write_bytes(OTHER)
    return tmp_path


def run(project: Path, params: dict[str, Any]) -> Experiment:
    experiment = check(params, "params.yaml")
    fetch(experiment, project / "data", project / "weights")
    prepare_again(project, experiment)
    return experiment


def prepare_again(project: Path, experiment: Experiment) -> None:
    folders = (project / name for name in ("data", "prepared", "inputs", "heldout"))
    prepare(experiment, *folders)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file's bytes, by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_exactly_these_files(project: Path, params: dict[str, Any]) -> None:
    run(project, params)
    facts = (
        "dataset.json",
        "dev.jsonl",
        "heldout.fingerprints.jsonl",
        "quarantine.jsonl",
        "train.jsonl",
    )
    assert list(tree(project / "prepared")) == [
        f"{dataset}/{name}" for dataset in ("notes", "words") for name in facts
    ]
    assert list(tree(project / "inputs")) == [
        "tfidf-all/candidate.json",
        "tfidf-all/dev/notes.jsonl",
        "tfidf-all/dev/words.jsonl",
        "tfidf-all/train/notes.jsonl",
        "tfidf-all/train/words.jsonl",
        "tfidf-topic/candidate.json",
        "tfidf-topic/dev/notes.jsonl",
        "tfidf-topic/train/notes.jsonl",
    ]
    assert list(tree(project / "heldout")) == [
        "tfidf-all/notes.jsonl",
        "tfidf-all/words.jsonl",
        "tfidf-topic/notes.jsonl",
    ]
    assert list(tree(project / "weights")) == ["tfidf/backbone.json"]
    assert not [path for path in project.iterdir() if path.name.startswith(".")]


def test_candidates_get_the_fields_that_they_ask_for(project: Path, params: dict[str, Any]) -> None:
    run(project, params)
    (row, *_) = read_rows(project / "inputs" / "tfidf-topic" / "train" / "notes.jsonl")
    assert (row.id, row.text, row.labels) == ("n0", "Secret  0 of Ann", {"topic": "x"})
    (row, *_) = read_rows(project / "heldout" / "tfidf-all" / "notes.jsonl")
    assert row.labels == {"topic": "x", "slots": (Span(0, 6, "verb"),)}


def test_heldout_texts_are_nowhere_but_in_heldout(project: Path, params: dict[str, Any]) -> None:
    run(project, params)
    held = [row["text"].encode() for row in ROWS if row["part"] == "test"]
    assert len(held) == 3
    for folder in ("prepared", "inputs"):
        for name, content in tree(project / folder).items():
            assert not [text for text in held if text in content], name
    fingerprints = list(read_jsonl(project / "prepared/notes/heldout.fingerprints.jsonl"))
    assert [f["id"] for f in fingerprints] == ["n9", "n10", "n11"]
    words = b"Secret 9 of Ann"
    assert fingerprints[0]["fingerprint"] == hashlib.sha256(words).hexdigest()
    assert fingerprints[0]["labels"] == {"topic": ["x"], "slots": ["verb"]}


def test_candidates_are_resolved(project: Path, params: dict[str, Any]) -> None:
    run(project, params)
    found = Resolved.from_json(read_json(project / "inputs" / "tfidf-all" / "candidate.json"))
    assert (found.name, found.approach, found.method) == ("tfidf-all", "linear", "full")
    assert [task.name for task in found.tasks] == ["topic", "slots", "kind"]
    assert [task.labels for task in found.tasks] == [
        ("x", "y", "z"),
        ("noun",),  # what training rows have; a held-out type is validation's to report
        ("greeting", "parting"),
    ]
    assert (found.seed, found.training["epochs"]) == (9, 7.0)
    other = Resolved.from_json(read_json(project / "inputs" / "tfidf-topic" / "candidate.json"))
    assert (other.seed, other.training["epochs"]) == (5, 2.0)


def test_labels_in_params_close_the_set(project: Path, params: dict[str, Any]) -> None:
    params["tasks"]["topic"]["labels"] = ["y", "x", "w"]
    run(project, params)
    found = Resolved.from_json(read_json(project / "inputs" / "tfidf-topic" / "candidate.json"))
    assert found.tasks[0].labels == ("w", "x", "y")
    rows = read_rows(project / "inputs" / "tfidf-topic" / "train" / "notes.jsonl")
    assert {row.labels["topic"] for row in rows} == {"x", "y", "z"}


def test_rows_without_any_label_that_is_asked_for_are_left_out(
    project: Path, params: dict[str, Any]
) -> None:
    rows = [{**row, "topic": None} if row["id"] in ("n1", "n10") else row for row in ROWS]
    content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    (project / "notes.jsonl").write_bytes(content)
    params["datasets"]["notes"]["files"][0]["sha256"] = hashlib.sha256(content).hexdigest()
    run(project, params)
    topic = read_rows(project / "inputs" / "tfidf-topic" / "train" / "notes.jsonl")
    assert [row.id for row in topic] == ["n0", "n2", "n3", "n4", "n5"]
    both = read_rows(project / "inputs" / "tfidf-all" / "train" / "notes.jsonl")
    assert both[1].labels == {"topic": None, "slots": (Span(0, 6, "noun"),)}
    held = read_rows(project / "heldout" / "tfidf-topic" / "notes.jsonl")
    assert [row.id for row in held] == ["n9", "n11"]


def test_held_out_rows_alone_carry_the_fields_that_a_task_is_sliced_by(
    project: Path, params: dict[str, Any]
) -> None:
    params["tasks"]["slots"]["slices"] = ["topic"]
    params["candidates"]["tfidf-slots"] = {
        "backbone": "tfidf",
        "approach": "linear",
        "tasks": ["slots"],
    }
    run(project, params)
    (held, *_) = read_rows(project / "heldout" / "tfidf-slots" / "notes.jsonl")
    assert held.labels == {"slots": (Span(0, 6, "verb"),), "topic": "x"}
    (row, *_) = read_rows(project / "inputs" / "tfidf-slots" / "train" / "notes.jsonl")
    assert list(row.labels) == ["slots"]
    (other, *_) = read_rows(project / "heldout" / "tfidf-topic" / "notes.jsonl")
    assert list(other.labels) == ["topic"]


def test_facts_of_a_dataset(project: Path, params: dict[str, Any]) -> None:
    run(project, params)
    facts = read_json(project / "prepared" / "notes" / "dataset.json")
    assert facts["rows"] == {"train": 6, "dev": 3, "heldout": 3}
    assert facts["quarantined"] == {"train": 0, "dev": 0, "heldout": 0}
    assert facts["fields"] == {"topic": "classification", "slots": "tagging"}
    assert facts["settings"]["split"] == "part"
    assert facts["raw"] == {"notes.jsonl": hashlib.sha256(CONTENT).hexdigest()}
    train = (project / "prepared" / "notes" / "train.jsonl").read_bytes()
    assert facts["sha256"]["train"] == hashlib.sha256(train).hexdigest()


def test_the_same_bytes_again(project: Path, params: dict[str, Any]) -> None:
    experiment = run(project, params)
    names = ("prepared", "inputs", "heldout")
    first = {name: tree(project / name) for name in names}
    prepare_again(project, experiment)
    assert {name: tree(project / name) for name in names} == first


def test_a_changed_candidate_changes_its_own_inputs_alone(
    project: Path, params: dict[str, Any]
) -> None:
    run(project, params)
    before = tree(project / "inputs")
    params["candidates"]["tfidf-all"]["training"] = {"epochs": 8}
    run(project, params)
    after = tree(project / "inputs")
    assert [name for name in before if before[name] != after[name]] == ["tfidf-all/candidate.json"]


def test_ids_that_repeat(project: Path, params: dict[str, Any]) -> None:
    run(project, params)
    before = tree(project / "prepared")
    content = CONTENT.replace(b'"n3"', b'"n2"').replace(b'"n11"', b'"n0"')
    (project / "notes.jsonl").write_bytes(content)
    params["datasets"]["notes"]["files"][0]["sha256"] = hashlib.sha256(content).hexdigest()
    with pytest.raises(PlaitError) as caught:
        run(project, params)
    assert str(caught.value) == (
        "datasets.notes: 2 id(s) occur more than once: 'n2' (rows 3 and 4), 'n0' (rows 1 and 12). "
        "Expected a unique id for each row: correct the ids, or remove the repeated rows."
    )
    assert tree(project / "prepared") == before, "what was there stays whole"
    assert not list(project.glob(".*.partial"))


def test_fetch_lists_all_that_is_missing_and_keeps_what_was_there(
    project: Path, params: dict[str, Any]
) -> None:
    run(project, params)
    before = tree(project / "data")
    (project / "words.csv").unlink()
    params["datasets"]["notes"]["files"][0]["sha256"] = "0" * 64
    with pytest.raises(PlaitError) as caught:
        run(project, params)
    first, second = str(caught.value).splitlines()
    assert first.startswith("datasets.notes: notes.jsonl: sha256 is ")
    assert second.startswith("datasets.words: words.csv: no such file")
    assert tree(project / "data") == before
    assert not list(project.glob(".*.partial"))


# Through DVC


def dvc(project: Path, *arguments: str) -> str:
    found = subprocess.run(
        ["dvc", *arguments], cwd=project, env=environment(), capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def dvc_project(folder: Path, params: dict[str, Any]) -> Path:
    """The repository's own fetch and prepare stages and pins, over a small experiment."""
    stages = yaml.safe_load((projects.REPOSITORY / "dvc.yaml").read_text())["stages"]
    chosen = {
        name: {**stages[name], "deps": [d for d in stages[name].get("deps", []) if d == "data"]}
        for name in ("fetch", "prepare")
    }
    use = {"cmd": "ls -R weights > used", "deps": ["weights"], "outs": ["used"]}
    projects.make(folder, {**chosen, "use": use})
    for name in ("data.dvc", "weights.dvc", ".gitignore"):
        shutil.copy(projects.REPOSITORY / name, folder / name)
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    (folder / "notes.jsonl").write_bytes(CONTENT)
    (folder / "words.csv").write_bytes(OTHER)
    return folder


def test_a_bare_clone_heals_itself_and_tampering_is_undone(
    tmp_path: Path, params: dict[str, Any]
) -> None:
    """With no data, no cache and no remote `dvc repro` is enough, and nothing is pinned anew."""
    project = dvc_project(tmp_path / "project", params)
    dvc(project, "repro")
    pins = [project / name for name in ("data.dvc", "weights.dvc", "dvc.lock")]
    before = [pin.read_bytes() for pin in pins]
    whole = {name: tree(project / name) for name in ("data", "weights", "prepared", "heldout")}
    assert whole["data"]["notes/notes.jsonl"] == CONTENT
    assert list(whole["weights"]) == ["tfidf/backbone.json"]

    clone = tmp_path / "clone"
    kept = [".dvc/config", "dvc.yaml", "params.yaml", "notes.jsonl", "words.csv", ".gitignore"]
    for name in [*kept, *(pin.name for pin in pins)]:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project / name, clone / name)
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    dvc(clone, "repro")
    assert {name: tree(clone / name) for name in whole} == whole
    assert [(clone / pin.name).read_bytes() for pin in pins] == before

    for tampered in ("data/notes/notes.jsonl", "weights/tfidf/backbone.json"):
        (clone / tampered).chmod(0o644)
        (clone / tampered).write_bytes(b"tampered")
        dvc(clone, "repro")
        assert {name: tree(clone / name) for name in whole} == whole
        assert [(clone / pin.name).read_bytes() for pin in pins] == before


def test_a_stage_ends_with_the_message_and_status_2(tmp_path: Path, params: dict[str, Any]) -> None:
    params["datasets"]["notes"]["files"][0]["sha256"] = "0" * 64
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / "words.csv").write_bytes(OTHER)
    found = subprocess.run(
        ["python", "-m", "plait.stages.fetch"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert found.returncode == 2
    assert "error: datasets.notes: notes.jsonl: no such file" in found.stderr
    assert "Traceback" not in found.stderr
    assert not (tmp_path / "fetched" / "data").exists()
