"""Accidents of data, and what a fault is that they cause."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from notes import CLOSED_SLOTS, CLOSED_TOPIC, SLOTS, TOPIC, Data
from plait.tasks import Task


@dataclass(frozen=True)
class Fault:
    """An accident, the check that must catch it, and what the user reads."""

    rule: str
    severity: str
    split: str | None
    spoil: Callable[[Data], Any]
    sentence: str
    rows: tuple[str, ...]
    task: str | None = None
    count: int = 1
    limits: Mapping[str, Any] = field(default_factory=dict)

    def asked(self) -> Task:
        """The one task that is asked: labels are closed where the rule is about that."""
        if self.rule == "label_unknown":
            return CLOSED_SLOTS if self.task == "slots" else CLOSED_TOPIC
        return SLOTS if self.task == "slots" else TOPIC


def put(split: str, i: int, **parts: Any) -> Callable[[Data], None]:
    """Replace parts of one row; `topic` and `slots` are labels."""

    def spoil(data: Data) -> None:
        row = data[split][i]
        for key, value in parts.items():
            (row["labels"] if key in row["labels"] else row)[key] = value

    return spoil


def repeat(source: str, target: str, count: int) -> Callable[[Data], None]:
    """Copy the first texts of `source`, with their labels, over the last rows of `target`."""

    def spoil(data: Data) -> None:
        for i in range(1, count + 1):
            copied = {key: data[source][i][key] for key in ("text", "labels")}
            data[target][-i] = copy.deepcopy({**data[target][-i], **copied})

    return spoil


def relabel(split: str, rows: range, topic: str) -> Callable[[Data], None]:
    return lambda data: [put(split, i, topic=topic)(data) for i in rows]


def types(split: str, label: str) -> Callable[[Data], None]:
    """Give the first span of the first row another type."""
    return lambda data: data[split][0]["labels"]["slots"][0].__setitem__(2, label)


LONG = " ".join(f"word{i} of the train note" for i in range(12))
"""60 words: long enough to be compared by shingles."""


def near(source: str, target: str) -> Callable[[Data], None]:
    """A long text in both splits; the copy has one word changed."""

    def spoil(data: Data) -> None:
        put(source, 0, text=LONG, slots=[])(data)
        copy_ = put(
            target, 2 if source == target else 0, text=LONG.replace("word7", "term"), slots=[]
        )
        copy_(data)

    return spoil


def several(split: str, count: int, **parts: Any) -> Callable[[Data], None]:
    return lambda data: [put(split, i, **parts)(data) for i in range(count)] and None


def boilerplate(data: Data) -> None:
    """Ten notes with the same two lines, one of which has nothing else."""
    lines = "this mail is confidential\nprinted on recycled paper"
    for i in range(10):
        put("train", i, text=f"note {i}\n{lines}" if i else lines, slots=[])(data)


def foreign(data: Data) -> None:
    """Notes of common words, and one in another language."""
    for i in range(1, 40):
        text = f"please write the note number {i} of this day and send it to me"
        put("train", i, text=text, slots=[])(data)
    text = "bitte heute noch eine kurze Nachricht nach Hause schicken"
    put("train", 0, text=text, slots=[])(data)


def inclusive(data: Data) -> None:
    """Spans whose end is their last character."""
    for row in [*data["train"], *data["dev"]]:
        for span in row["labels"]["slots"]:
            span[1] -= 1
