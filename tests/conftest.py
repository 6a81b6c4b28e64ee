"""Small real things that many tests share."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: see plait.stages

import pytest

import tiny_models
from plait.approaches.base import Resolved
from plait.tasks import Row, Span, Task

ROOMS = ("kitchen", "bedroom", "garage", "hall", "office", "attic")
VERBS = {"turn_on": "turn on", "turn_off": "turn off", "query": "what about"}

INTENT = Task("intent", "home", "classification", "intent", tuple(sorted(VERBS)), "accuracy")
SLOTS = Task("slots", "home", "tagging", "slots", ("number", "room"), "span_f1")


def home_rows(count: int, offset: int = 0) -> list[Row]:
    """Short commands with a room, and in every other one a number."""
    rows = []
    for i in range(offset, offset + count):
        intent = sorted(VERBS)[i % len(VERBS)]
        room, number = ROOMS[i % len(ROOMS)], str(i % 9 + 1)
        text = f"{VERBS[intent]} the {room}" + (f" number {number}" if i % 2 else "")
        start = text.index(room)
        spans = [Span(start, start + len(room), "room")]
        if i % 2:
            spans.append(Span(len(text) - 1, len(text), "number"))
        rows.append(Row(f"r{i}", text, {"intent": intent, "slots": tuple(spans)}))
    return rows


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start servers take longest: begun first, they don't end last."""
    items.sort(key=lambda item: item.get_closest_marker("services") is None)


@pytest.fixture(autouse=True)
def own_accelerator() -> Iterator[None]:
    """accelerate keeps precision and device for a process's life; each test has its own."""
    yield
    if state := sys.modules.get("accelerate.state"):
        state.AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two small layers with random weights, and a word-piece tokenizer."""
    folder = tmp_path_factory.mktemp("tiny-encoder")
    return tiny_models.encoder(folder, [row.text for row in home_rows(60)])


def candidate(
    *tasks: Task,
    approach: str = "heads",
    method: str = "full",
    seed: int = 3,
    options: Mapping[str, object] | None = None,
    **training: object,
) -> Resolved:
    """A candidate over the small commands, named like `tiny-intent+slots`."""
    name = "tiny-" + "+".join(task.name for task in tasks)
    settings = {"epochs": 2, "batch_size": 8, "learning_rate": 5e-3, "max_length": 32, **training}
    return Resolved(name, "tiny", approach, method, tasks, settings, seed, options or {})


@pytest.fixture(scope="session")
def tiny_decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two small layers with random weights, a byte-level tokenizer and a chat form."""
    folder = tmp_path_factory.mktemp("tiny-decoder")
    texts = [row.text for row in home_rows(60)] + [*INTENT.labels, *SLOTS.labels]
    return tiny_models.decoder(folder, texts)
