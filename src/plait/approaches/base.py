"""The contract of an approach: build · train · predict · save · load."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.approaches.reading.coverage import Coverage, check_unknown, say
from plait.tasks import Prediction, Row, Task
from plait.training.history import Curves

Rows = Mapping[str, Sequence[Row]]
"""Rows by dataset."""


@dataclass(frozen=True)
class Resolved:
    """A resolved candidate: the content of `inputs/CANDIDATE/candidate.json`."""

    name: str
    backbone: str
    approach: str
    method: str
    tasks: tuple[Task, ...]
    training: Mapping[str, Any]
    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {**self.__dict__, "tasks": [task.as_json() for task in self.tasks]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Resolved":
        return cls(**{**value, "tasks": tuple(map(Task.from_json, value["tasks"]))})


class Approach(ABC):
    """A model that answers one or several tasks for a text."""

    tasks: tuple[Task, ...]

    @classmethod
    @abstractmethod
    def train(
        cls, candidate: Resolved, backbone: Path, train: Rows, dev: Rows, scratch: Path
    ) -> "Approach":
        """Train from `backbone`; `scratch` is a folder for checkpoints, kept after a kill."""

    @abstractmethod
    def predict(self, texts: Sequence[str], batch_size: int = 32) -> dict[str, list[Prediction]]:
        """Answers by task name, in the order of `texts`. A batch answers as single texts do."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write weights (safetensors) and whatever `load` needs into an existing folder."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, tasks: tuple[Task, ...]) -> "Approach":
        """The inverse of `save`; runs no code from the folder."""

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        """For each text whether an answer leaves out some of it because it is too long."""
        return [False] * len(texts)

    def coverage(self, dataset: str, rows: Sequence[Row]) -> Coverage:
        """How much of the rows' texts the model reads, and which gold spans it can express."""
        return Coverage.whole(rows, [task for task in self.tasks if task.dataset == dataset])

    def check_reading(self, candidate: Resolved, train: Rows) -> None:
        """Say what of the training texts will not be read, before time is spent on them.

        Raises:
            PlaitError: too much of them is unknown to the tokenizer.
        """
        for found in self.said(candidate, "train", train).values():
            check_unknown(found, candidate.name, candidate.backbone)

    def said(self, candidate: Resolved, split: str, rows: Rows) -> dict[str, Coverage]:
        """The coverage of a split by dataset; what the model doesn't read is said on stderr."""
        found = {dataset: self.coverage(dataset, each) for dataset, each in rows.items()}
        for dataset, coverage in found.items():
            say(coverage, candidate, split, dataset)
        return found

    def remarks(self) -> dict[str, int]:
        """Counts worth reporting of the answers so far, such as invalid ones."""
        return {}

    def curves(self) -> Curves:
        """Of a model that was trained step by step: curves by name, points of `step`, `value`."""
        return {}

    def notes(self) -> list[str]:
        """Sentences for the model card about how a saved model answers."""
        return []

    @abstractmethod
    def parameters_count(self) -> int:
        """Number of weights that an answer uses."""
