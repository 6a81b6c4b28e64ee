"""The words of the trade: rows, spans, tasks and answers."""

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
    """Characters `start` (included) to `end` (excluded) of a text, and their type."""

    start: int
    end: int
    label: str
    probability: float = field(default=1.0, compare=False)


@dataclass(frozen=True)
class LabelPrediction:
    """One label of a closed set; `probabilities` covers every label and sums to one."""

    label: str
    probabilities: Mapping[str, float]


Label = str | tuple[Span, ...] | None
Prediction = LabelPrediction | tuple[Span, ...]


@dataclass(frozen=True)
class Row:
    """A canonical row: a text and what its dataset's fields say of it.

    `labels` maps a *field* of the dataset to a label (classification), to spans (tagging) or to
    None where the row has no label for that field.
    """

    id: str
    text: str
    labels: Mapping[str, Label]


@dataclass(frozen=True)
class Task:
    """What is asked of a row. `labels` is the closed, sorted set (tagging: span types, no `O`).

    `prompt` is the instruction to a decoder, where the ordinary one does not fit.
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
    """The label, or the type of each span in the order of their places; none without a label."""
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
