"""The settings that read files of the user."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

from plait.datasets.inspecting.columns import Column, describe, label_columns
from plait.datasets.inspecting.opening import Opened, check_alike, open_file, without_quotes
from plait.datasets.splits import split_in_name
from plait.errors import PlaitError
from plait.sources.local import pin
from plait.tasks import TaskKind

Naming = Callable[[Iterable[str]], Mapping[str, str]]
"""Columns → names of fields."""


@dataclass(frozen=True)
class Choice:
    """The columns that the user names; what is empty is found.

    Attributes:
        marks: the columns of 0 and 1 that make one field of several labels; these are only found.
    """

    text: str | None = None
    labels: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


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
    opened: Sequence[Opened] = [open_file(file) for file in files]
    check_alike(opened)
    opened, (rows, columns) = _described(opened)
    chosen = _chosen(files[0], columns, choice)
    sets = _label_sets(columns, chosen, opened[0])
    labels = [name for name in chosen.labels if name not in sets]
    fields = naming([*labels, *sets, *chosen.spans])
    settings = {
        **_reading(opened[0]),
        "files": _entries(files),
        **({} if chosen.text == "text" else {"text": chosen.text}),
        **_extras(columns, opened[0], files),
        **_mapping("labels", {fields[name]: name for name in labels}),
        **_mapping("label_sets", {fields[name]: found for name, found in sets.items()}),
        **_mapping("spans", {fields[name]: name for name in chosen.spans}),
    }
    kinds: dict[str, TaskKind] = {fields[name]: "classification" for name in labels}
    kinds |= {fields[name]: "multilabel" for name in sets}
    kinds |= {fields[name]: "tagging" for name in chosen.spans}
    return Found(opened, rows, columns, settings, kinds)


def _described(opened: Sequence[Opened]) -> tuple[Sequence[Opened], tuple[int, list[Column]]]:
    """The files with their number of rows and their columns.

    Where they can't be read with quotes around cells, without, if that works: the texts of
    `5" pipe,plumbing` or `"unclosed,opinion` hold quotes as characters.
    """
    try:
        return opened, describe(row for each in opened for row in each.rows())
    except PlaitError:
        again = [other for each in opened if (other := without_quotes(each))]
        if len(again) < len(opened):
            raise
        check_alike(again)
        return again, describe(row for each in again for row in each.rows())


def _chosen(file: Path, columns: Sequence[Column], choice: Choice) -> Choice:
    """The columns, found where the user has named none."""
    names = [column.name for column in columns]
    for name in filter(None, [choice.text, *choice.labels, *choice.spans]):
        if name not in names:
            raise PlaitError(f"{file}: no column {name!r}; columns are {', '.join(names)}.")
    text = choice.text or next((c.name for c in columns if c.kind == "text"), None)
    labels, spans, marks = choice.labels, choice.spans, choice.marks
    if not labels and not spans:
        found = [column for column in label_columns(columns) if column.name != text]
        labels = tuple(column.name for column in found if column.kind != "mark")
        marks = tuple(column.name for column in found if column.kind == "mark")
        spans = tuple(column.name for column in columns if column.kind == "spans")
    if text is None or not (labels or spans or marks):
        missing = "texts" if text is None else "labels or spans"
        raise PlaitError(
            f"{file}: found no column of {missing} among {', '.join(names)}. "
            f"{_remedy(columns, text)}"
        )
    return Choice(text, labels, spans, marks)


def _remedy(columns: Sequence[Column], text: str | None) -> str:
    numbers = [column.name for column in columns if column.kind == "numbers"]
    if text is not None and numbers:
        return f"Numbers in {numbers[0]!r} need `names: {{{numbers[0]}: [O, …]}}` (docs/data.md)."
    return "Name it: --text-field, --label-field or --spans-field."


def _reading(opened: Opened) -> dict[str, Any]:
    return {"reader": opened.reader, **opened.layout}


def _entries(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Each file with its pin and, if its name says one, its split."""
    named = {file: split_in_name(file.name) for file in files} if len(files) > 1 else {}
    entries = []
    for file in files:
        split = named.get(file)
        pinned = {"path": file.as_posix(), "sha256": pin(str(file))}
        entries.append({**pinned, **({"split": split} if split else {})})
    return entries


def _extras(columns: Sequence[Column], opened: Opened, files: Sequence[Path]) -> dict[str, str]:
    """Columns of ids and splits."""
    if opened.reader == "annotations":
        return {}
    found = {"id": _first(columns, "id"), "split": _first(columns, "split")}
    if any(split_in_name(file.name) for file in files) and len(files) > 1:
        found["split"] = None
    return {setting: name for setting, name in found.items() if name is not None}


def _first(columns: Sequence[Column], kind: str) -> str | None:
    return next((column.name for column in columns if column.kind == kind), None)


def _mapping(setting: str, found: Mapping[str, Any]) -> dict[str, Any]:
    return {setting: found} if found else {}


def _label_sets(
    columns: Sequence[Column], chosen: Choice, opened: Opened
) -> dict[str, dict[str, Any]]:
    """Name → the settings of each field of several labels a row."""
    # An annotation tool writes a list for one label, too; in a table a list is meant as one.
    kinds = ("labels",) if opened.reader == "annotations" else ("labels", "label")
    found: dict[str, dict[str, Any]] = {}
    for each in columns:
        several = each.separator or (each.listed and each.kind in kinds)
        if each.name in chosen.labels and several:
            separated = {"separator": each.separator} if each.separator else {}
            found[each.name] = {"column": each.name, **separated}
    if chosen.marks:
        found[_free(columns)] = {"columns": list(chosen.marks)}
    return found


def _free(columns: Sequence[Column]) -> str:
    """A name for the field of several columns that none of them has."""
    taken = {column.name for column in columns}
    names = chain(["labels"], (f"labels-{number}" for number in count(2)))
    return next(name for name in names if name not in taken)
