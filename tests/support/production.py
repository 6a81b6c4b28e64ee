"""A small experiment that has been trained and benchmarked, ready to promote."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import projects
import small
from plait.experiment.loading import check
from plait.experiment.schema import Experiment
from plait.files import read_json, read_jsonl, write_json, write_jsonl
from plait.stages.benchmark import main as benchmark_stage
from plait.stages.train import train as train_stage

PARAMS: dict[str, Any] = {
    "seed": 1,
    "training": {},
    "validation": {},
    "datasets": {"home": {"reader": "home_assistant"}},
    "tasks": {
        "intent": {"dataset": "home", "kind": "classification", "field": "intent"},
        "slots": {"dataset": "home", "kind": "tagging", "field": "slots"},
    },
    "backbones": {"tfidf": {"kind": "none"}},
    "candidates": {
        name: {"backbone": "tfidf", "approach": "linear", "tasks": [task.name for task in tasks]}
        for name, tasks in small.CANDIDATES.items()
    },
    "services": {
        "assistant": {
            "tasks": ["intent", "slots"],
            "plans": {
                "consolidated": ["tfidf-intent+slots"],
                "one-per-task": ["tfidf-intent", "tfidf-slots"],
            },
            "undecided": "fewer-models",  # 30 rows decide little
        }
    },
}


# As many spans as each row has, so that span F1 is the share of right rows.
WRONG: dict[str, Any] = {"intent": "none of these", "slots": [[0, 1, "area"], [1, 2, "area"]]}


def experiment(**assistant: Any) -> Experiment:
    """The experiment, with other settings of its service."""
    service = {**PARAMS["services"]["assistant"], **assistant}
    return check({**PARAMS, "services": {"assistant": service}}, "params.yaml")


def measure(root: Path) -> None:
    """Train and benchmark all candidates in `root` by the real stages."""
    small.write_inputs(root)
    for name in small.CANDIDATES:
        train(root, name)


def measure_for_commands(root: Path) -> None:
    """`measure`, in a project without stages, whose outputs no command finds out of date."""
    measure(root)
    projects.without_stages(root)
    write_json(root / "params.yaml", PARAMS)


def train(root: Path, name: str, **changes: Any) -> None:
    """Train and benchmark one candidate in `root`, after changes to its candidate.json."""
    path = root / "inputs" / name / "candidate.json"
    write_json(path, {**read_json(path), **changes})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        train_stage(name)
        benchmark_stage(name)


def rescore(root: Path, candidate: str, **scores: float) -> None:
    """Say that a candidate scored these headline metrics by task, and answered so row by row."""
    metrics = {"intent": "accuracy", "slots": "span_f1"}
    path = root / "scores" / f"{candidate}.json"
    found = read_json(path)
    answers = root / "predictions" / candidate / "home.jsonl"
    lines = list(read_jsonl(answers))
    for task, value in scores.items():
        found[task][metrics[task]] = value
        for index, line in enumerate(lines):
            right = index < round(value * len(lines))
            line["answers"][task] = line["gold"][task] if right else WRONG[task]
    write_json(path, found)
    write_jsonl(answers, lines)


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """The system refuses writes beyond `limit` bytes a file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
