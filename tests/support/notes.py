"""A small prepared data set of notes, with a topic and spans, that validation tests spoil."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from plait.experiment.schema import Validation
from plait.files import write_jsonl
from plait.tasks import Row, Span, Task, row_to_json
from plait.validation.checks import Check
from plait.validation.datasets import CheckedDataset, read_datasets
from plait.validation.fingerprints import write_fingerprints
from plait.validation.tables import Tables

CLOSED_TOPIC = Task("topic", "notes", "classification", "topic", ("news", "sport"), "accuracy")
CLOSED_SLOTS = Task("slots", "notes", "tagging", "slots", ("place", "time"), "span_f1")
TASKS = (CLOSED_TOPIC, CLOSED_SLOTS)
TOPIC, SLOTS = (replace(task, labels=()) for task in TASKS)
ROWS = {"train": 40, "dev": 20, "heldout": 20}
Data = dict[str, list[Any]]


def healthy() -> Data:
    """Rows of each split as JSON values: two topics, a place and a time in every text."""
    return {split: [row_to_json(_row(split, i)) for i in range(n)] for split, n in ROWS.items()}


def _row(split: str, i: int) -> Row:
    text = f"in {split} at {i} o'clock"
    place, time = Span(3, 3 + len(split), "place"), Span(text.index("at ") + 3, len(text), "time")
    topic = "news" if i % 2 else "sport"
    return Row(f"{split}-{i}", text, {"topic": topic, "slots": (place, time)})


def declared(
    folder: Path, data: Data, tasks: tuple[Task, ...] = TASKS, **limits: Any
) -> tuple[list[Check], Tables]:
    """Prepare `data`; the checks that the tasks call for, and the tables that they look at."""
    found = dataset(folder, data, tasks, **limits)
    return list(found.checks), found.tables


def dataset(
    folder: Path, data: Data, tasks: tuple[Task, ...] = TASKS, **limits: Any
) -> CheckedDataset:
    """Prepare `data`; the data set as validation reads it."""
    write(folder, data)
    (found,) = read_datasets(folder, tasks, Validation(**limits))
    return found


def write(folder: Path, data: Data, name: str = "notes") -> None:
    """The files that `prepare` writes."""
    for split in ("train", "dev"):
        write_jsonl(folder / name / f"{split}.jsonl", data[split])
    write_jsonl(folder / name / "quarantine.jsonl", [])
    heldout = (
        Row(v["id"], v["text"], {"topic": v["labels"]["topic"], "slots": _spans(v)})
        for v in data["heldout"]
    )
    path = folder / name / "heldout.fingerprints.jsonl"
    write_fingerprints(path, heldout, Validation().short_words)


def _spans(value: Any) -> tuple[Span, ...]:
    return tuple(Span(*span) for span in value["labels"]["slots"])
