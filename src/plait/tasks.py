"""Rows, spans, tasks and predictions: the types that all packages share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from plait.files import read_jsonl, write_jsonl

TaskKind = Literal["classification", "tagging"]
Split = Literal["train", "dev", "heldout"]
SPLITS: tuple[Split, ...] = ("train", "dev", "heldout")
METRICS: dict[TaskKind, tuple[str, ...]] = {
    "classification": ("accuracy", "macro_f1"),
    "tagging": ("span_f1",),
}


@dataclass(frozen=True, order=True)
class Span:
    """Characters `start` (included) to `end` (excluded) of a text; `label` is the span's type."""

    start: int
    end: int
    label: str
    probability: float = field(default=1.0, compare=False)


@dataclass(frozen=True)
class LabelPrediction:
    """The predicted label of a row; `probabilities` has every label of the task and sums to 1."""

    label: str
    probabilities: Mapping[str, float]


Label = str | tuple[Span, ...] | None
Prediction = LabelPrediction | tuple[Span, ...]


@dataclass(frozen=True)
class Row:
    """A canonical row: a text and its gold labels.

    `labels` maps a *field* of the dataset to a label (classification), to spans (tagging) or to
    None if the row has no label for that field.
    """

    id: str
    text: str
    labels: Mapping[str, Label]


@dataclass(frozen=True)
class Task:
    """A task: which field of which dataset a model predicts.

    Attributes:
        labels: the closed label set, sorted (tagging: span types, without `O`).
        metric: the headline metric.
        prompt: the instruction to a decoder; None for the default instruction.
    """

    name: str
    dataset: str
    kind: TaskKind
    field: str
    labels: tuple[str, ...]
    metric: str
    prompt: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "dataset": self.dataset,
            "kind": self.kind,
            "field": self.field,
            "labels": list(self.labels),
            "metric": self.metric,
            "prompt": self.prompt,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Task":
        return cls(**{**value, "labels": tuple(value["labels"])})


def label_names(label: Label) -> list[str]:
    """The label, or the type of each span sorted by position; empty for None."""
    if label is None:
        return []
    return [label] if isinstance(label, str) else [span.label for span in sorted(label)]


def row_to_json(row: Row) -> dict[str, Any]:
    """`{"id", "text", "labels": {field: label | [[start, end, type], …] | null}}`."""
    labels: dict[str, Any] = {
        name: [[s.start, s.end, s.label] for s in label] if isinstance(label, tuple) else label
        for name, label in row.labels.items()
    }
    return {"id": row.id, "text": row.text, "labels": labels}


def row_from_json(value: Mapping[str, Any]) -> Row:
    """The inverse of `row_to_json`."""
    labels: dict[str, Label] = {
        name: tuple(Span(*span) for span in label) if isinstance(label, list) else label
        for name, label in value["labels"].items()
    }
    return Row(value["id"], value["text"], labels)


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write canonical rows as JSONL, in the order given."""
    write_jsonl(path, map(row_to_json, rows))


def read_rows(path: Path) -> list[Row]:
    """All rows of a canonical JSONL file."""
    return [row_from_json(value) for value in read_jsonl(path)]
