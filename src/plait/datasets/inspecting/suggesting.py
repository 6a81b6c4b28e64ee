"""The settings that read files of the user."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.datasets.inspecting.columns import Column, describe, label_columns
from plait.datasets.inspecting.opening import Opened, open_file
from plait.errors import PlaitError
from plait.files import sha256
from plait.tasks import Split, TaskKind

_SPLITS: tuple[tuple[Split, tuple[str, ...]], ...] = (
    ("train", ("train", "training")),
    ("dev", ("dev", "val", "valid", "validation", "development")),
    ("heldout", ("test", "testing", "heldout", "eval")),
)
Naming = Callable[[Iterable[str]], Mapping[str, str]]
"""Columns → names of fields."""


@dataclass(frozen=True)
class Choice:
    """The columns that the user names; what is empty is found."""

    text: str | None = None
    labels: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """What files hold, all of one format: their rows and columns, and what reads them.

    Attributes:
        settings: the dataset's entry in params.yaml.
        kinds: field → the kind of task that it serves.
    """

    opened: Sequence[Opened]
    rows: int
    columns: Sequence[Column]
    settings: Mapping[str, Any]
    kinds: Mapping[str, TaskKind]


def inspect(files: Sequence[Path], choice: Choice, naming: Naming) -> Found:
    """Look at files, and suggest the settings that read them.

    Raises:
        PlaitError: a file is missing or unreadable, formats differ, or there is no column of texts,
            or none of labels or spans.
    """
    opened = [open_file(file) for file in files]
    _check_alike(opened)
    count, columns = describe(row for each in opened for row in each.rows())
    chosen = _chosen(files[0], columns, choice)
    fields = naming([*chosen.labels, *chosen.spans])
    settings = {
        **_reading(opened[0]),
        "files": _entries(files),
        **({} if chosen.text == "text" else {"text": chosen.text}),
        **_extras(columns, opened[0], files),
        **_mapping("labels", chosen.labels, fields),
        **_mapping("spans", chosen.spans, fields),
    }
    kinds: dict[str, TaskKind] = {fields[name]: "classification" for name in chosen.labels}
    kinds |= {fields[name]: "tagging" for name in chosen.spans}
    return Found(opened, count, columns, settings, kinds)


def _check_alike(opened: Sequence[Opened]) -> None:
    first, *others = opened
    for each in others:
        if (each.reader, each.layout) != (first.reader, first.layout):
            raise PlaitError(
                f"{each.path}: found {each.format}, expected {first.format} as in {first.path}. "
                "Add files of different formats as data sets of their own."
            )


def _chosen(file: Path, columns: Sequence[Column], choice: Choice) -> Choice:
    """The columns, found where the user has named none."""
    names = [column.name for column in columns]
    for name in filter(None, [choice.text, *choice.labels, *choice.spans]):
        if name not in names:
            raise PlaitError(f"{file}: no column {name!r}; columns are {', '.join(names)}.")
    text = choice.text or next((c.name for c in columns if c.kind == "text"), None)
    labels, spans = choice.labels, choice.spans
    if not labels and not spans:
        labels = tuple(c.name for c in label_columns(columns) if c.name != text)
        spans = tuple(column.name for column in columns if column.kind == "spans")
    if text is None or not (labels or spans):
        missing = "texts" if text is None else "labels or spans"
        raise PlaitError(
            f"{file}: found no column of {missing} among {', '.join(names)}. "
            f"{_remedy(columns, text)}"
        )
    return Choice(text, labels, spans)


def _remedy(columns: Sequence[Column], text: str | None) -> str:
    numbers = [column.name for column in columns if column.kind == "numbers"]
    if text is not None and numbers:
        return f"Numbers in {numbers[0]!r} need `names: {{{numbers[0]}: [O, …]}}` (docs/data.md)."
    return "Name it: --text-field, --label-field or --spans-field."


def _reading(opened: Opened) -> dict[str, Any]:
    return {"reader": opened.reader, **opened.layout}


def _entries(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Each file with its pin and, if its name says one, its split."""
    named = {file: split_of(file) for file in files} if len(files) > 1 else {}
    entries = []
    for file in files:
        split = named.get(file)
        pinned = {"path": file.as_posix(), "sha256": sha256(file)}
        entries.append({**pinned, **({"split": split} if split else {})})
    return entries


def split_of(file: Path) -> Split | None:
    """The split that the name of a file says."""
    words = re.split(r"[^a-z]+", file.name.lower())
    return next((split for split, names in _SPLITS if set(names) & set(words)), None)


def _extras(columns: Sequence[Column], opened: Opened, files: Sequence[Path]) -> dict[str, str]:
    """Columns of ids and splits."""
    if opened.reader == "annotations":
        return {}
    found = {"id": _first(columns, "id"), "split": _first(columns, "split")}
    if any(map(split_of, files)) and len(files) > 1:
        found["split"] = None
    return {setting: name for setting, name in found.items() if name is not None}


def _first(columns: Sequence[Column], kind: str) -> str | None:
    return next((column.name for column in columns if column.kind == kind), None)


def _mapping(setting: str, names: Iterable[str], fields: Mapping[str, str]) -> dict[str, Any]:
    found = {fields[name]: name for name in names}
    return {setting: found} if found else {}
