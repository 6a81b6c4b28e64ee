"""Rows, spans, tasks and predictions: the types that all packages share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeGuard

from plait.files import read_jsonl, write_jsonl

TaskKind = Literal["classification", "multilabel", "tagging"]
Split = Literal["train", "dev", "heldout"]
SPLITS: tuple[Split, ...] = ("train", "dev", "heldout")
METRICS: dict[TaskKind, tuple[str, ...]] = {
    "classification": ("accuracy", "macro_f1"),
    "multilabel": ("micro_f1", "macro_f1", "exact_match"),
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


@dataclass(frozen=True)
class SetPrediction:
    """The predicted labels of a row, in the order of the task's labels; maybe none.

    `probabilities` has that of each predicted label, and of the task's other labels where the
    approach knows it; they don't sum to 1.
    """

    labels: tuple[str, ...]
    probabilities: Mapping[str, float]


Label = str | tuple[str, ...] | tuple[Span, ...] | None
Prediction = LabelPrediction | SetPrediction | tuple[Span, ...]


@dataclass(frozen=True)
class Row:
    """A canonical row: a text and its gold labels.

    `labels` maps a *field* of the dataset to a label (classification), to the names of all labels
    that apply, sorted (multilabel), to spans (tagging) or to None if the row is not labelled.
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

    @property
    def whole_text(self) -> bool:
        """Whether an answer is about the text, not about words in it."""
        return self.kind != "tagging"

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


def is_spans(label: Label | Prediction) -> TypeGuard[tuple[Span, ...]]:
    """Whether a label or prediction is spans; no spans and no labels are both `()`."""
    return isinstance(label, tuple) and all(isinstance(each, Span) for each in label)


def label_names(label: Label) -> list[str]:
    """The label, all labels, or the type of each span sorted by position; empty for None."""
    if label is None:
        return []
    if isinstance(label, str):
        return [label]
    return [each.label for each in sorted(label)] if is_spans(label) else list(map(str, label))


def label_to_json(label: Label) -> Any:
    """`label | [label, …] | [[start, end, type], …] | null`."""
    if label is None or isinstance(label, str):
        return label
    return [each if isinstance(each, str) else [each.start, each.end, each.label] for each in label]


def _label_from_json(value: Any) -> Label:
    if value and isinstance(value, list) and isinstance(value[0], str):
        return tuple(map(str, value))
    if isinstance(value, list):
        return tuple(Span(*each) for each in value)
    label: str | None = value
    return label


def row_to_json(row: Row) -> dict[str, Any]:
    """`{"id", "text", "labels": {field: what `label_to_json` gives}}`."""
    labels = {name: label_to_json(label) for name, label in row.labels.items()}
    return {"id": row.id, "text": row.text, "labels": labels}


def row_from_json(value: Mapping[str, Any]) -> Row:
    """The inverse of `row_to_json`."""
    labels = {name: _label_from_json(label) for name, label in value["labels"].items()}
    return Row(value["id"], value["text"], labels)


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write canonical rows as JSONL, in the order given."""
    write_jsonl(path, map(row_to_json, rows))


def read_rows(path: Path) -> list[Row]:
    """All rows of a canonical JSONL file."""
    return [row_from_json(value) for value in read_jsonl(path)]
