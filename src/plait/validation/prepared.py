"""Read prepared/DATASET without assuming that its lines are well-formed.

`plait.tasks.read_rows` trusts its file; validation must not. Held-out rows are read as fingerprints
only: nothing but the benchmark reads their texts.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.errors import PlaitError
from plait.progress import Progress
from plait.tasks import Label, Span, Split, Task, TaskKind

KEYS = {"id", "text", "labels"}
_BYTES_PER_UPDATE = 1 << 20
FINGERPRINT_KEYS = {"id", "fingerprint", "normal", "shingles", "facts", "labels", "spans"}


@dataclass(frozen=True)
class PreparedLine:
    """One line of a prepared file.

    A value that is null or has a wrong type is None; `problem` says what is malformed.
    """

    number: int
    id: str | None
    text: str | None
    labels: Mapping[str, Label]
    problem: str | None = None

    @property
    def name(self) -> str:
        """The row's id, or its line number if it has none, as reports show it."""
        return f"line {self.number}" if self.id is None else self.id


@dataclass(frozen=True)
class PreparedLines:
    """The lines of a prepared file of train or dev. Each iteration reads the file again."""

    path: Path
    kinds: Mapping[str, TaskKind]

    def __iter__(self) -> Iterator[PreparedLine]:
        return (_line(number, value, self.kinds) for number, value in _values(self.path))


@dataclass(frozen=True)
class Fingerprints:
    """The fingerprints of held-out rows. Each iteration reads the file again."""

    path: Path

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return _fingerprints(self.path)


@dataclass(frozen=True)
class PreparedDataset:
    """A dataset as `prepare` wrote it, and its tasks. Its rows are read when they are iterated.

    An iteration raises a PlaitError if the file is missing, or if a line is not UTF-8 or not JSON;
    it names file and line.
    """

    name: str
    tasks: tuple[Task, ...]
    train: PreparedLines
    dev: PreparedLines
    heldout: Fingerprints

    def readable_splits(self) -> tuple[tuple[Split, PreparedLines], ...]:
        """The splits whose texts validation may read, and their lines."""
        return ("train", self.train), ("dev", self.dev)

    def texts(self, names: Collection[str]) -> dict[str, str | None]:
        """The texts of the rows of train and dev with these names (`PreparedLine.name`)."""
        if not names:
            return {}
        every = (line for _, lines in self.readable_splits() for line in lines)
        return {line.name: line.text for line in every if line.name in names}


def read_prepared(folder: Path, name: str, tasks: Sequence[Task]) -> PreparedDataset:
    """The prepared files of one dataset."""
    kinds = {task.field: task.kind for task in tasks}
    return PreparedDataset(
        name,
        tuple(tasks),
        PreparedLines(folder / name / "train.jsonl", kinds),
        PreparedLines(folder / name / "dev.jsonl", kinds),
        Fingerprints(folder / name / "heldout.fingerprints.jsonl"),
    )


def read_quarantine(folder: Path, name: str) -> list[Mapping[str, Any]]:
    """The quarantined rows: `{"id", "split", "text", "labels", "reasons"}`.

    Raises:
        PlaitError: the file is missing or is not JSONL; names file and line.
    """
    return [value for _, value in _values(folder / name / "quarantine.jsonl")]


def _values(path: Path) -> Iterator[tuple[int, Any]]:
    """Line numbers (from 1) and JSON values of a file."""
    if not path.is_file():
        raise PlaitError(f"{path}: no such file. Write it: `dvc repro prepare` or `plait run`.")
    shown = f"{path.parent.name}, {path.name.partition('.')[0]}"
    with path.open("rb") as stream, Progress(path.stat().st_size, shown, "B", scale=True) as bar:
        for number, line in enumerate(_counted(stream, bar), 1):
            try:
                yield number, json.loads(line.decode("utf-8"))
            except ValueError as error:
                raise PlaitError(
                    f"{path}, line {number}: found {_excerpt(line)}, expected one JSON object a "
                    f"line in UTF-8 ({error}). Prepare it again: `dvc repro --force prepare`."
                ) from error


def _counted(stream: Iterable[bytes], bar: Progress) -> Iterator[bytes]:
    """Pass the lines through; the bar shows how many bytes have been read."""
    count = 0
    for line in stream:
        yield line
        count += len(line)
        if count >= _BYTES_PER_UPDATE:
            bar.update(count)
            count = 0
    bar.update(count)


def _fingerprints(path: Path) -> Iterator[Mapping[str, Any]]:
    for number, value in _values(path):
        if not isinstance(value, dict) or not set(value) >= FINGERPRINT_KEYS:
            raise PlaitError(
                f"{path}, line {number}: found {_type(value)}, expected an object with the keys "
                f"{', '.join(sorted(FINGERPRINT_KEYS))}. Prepare it again: "
                "`dvc repro --force prepare`."
            )
        yield value


def _excerpt(line: bytes) -> str:
    return repr(line[:40].decode("utf-8", "backslashreplace"))


def _line(number: int, value: Any, kinds: Mapping[str, TaskKind]) -> PreparedLine:
    fields = value if isinstance(value, dict) else {}
    labels = fields.get("labels")
    return PreparedLine(
        number,
        _string(fields.get("id")),
        _string(fields.get("text")),
        {f: _label(labels.get(f), k) for f, k in kinds.items()}
        if isinstance(labels, dict)
        else dict.fromkeys(kinds),
        next(_problems(value, kinds), None),
    )


def _problems(value: Any, kinds: Mapping[str, TaskKind]) -> Iterator[str]:
    """Each problem of a line, as a phrase."""
    if not isinstance(value, dict):
        yield f"found {_type(value)}, expected an object"
        return
    if set(value) != KEYS:
        found = ", ".join(sorted(map(str, value))) or "none"
        yield f"found the keys {found}; expected id, labels, text"
    for key in ("id", "text"):
        if not isinstance(value.get(key), str | None):
            yield f"{key} is {_type(value[key])}, expected a string"
    if not isinstance(value.get("labels"), dict):
        yield f"labels is {_type(value.get('labels'))}, expected an object"
        return
    for name, kind in kinds.items():
        yield from _field_problems(name, kind, value["labels"])


def _field_problems(name: str, kind: TaskKind, labels: Mapping[str, Any]) -> Iterator[str]:
    if name not in labels:
        yield f"labels has no field {name!r}"
    elif kind == "classification" and not isinstance(labels[name], str | None):
        yield f"labels.{name} is {_type(labels[name])}, expected a string"
    elif kind == "multilabel" and not _is_set(labels[name]):
        yield f"labels.{name} is no sorted list of different labels"
    elif kind == "tagging" and not isinstance(labels[name], list | None):
        yield f"labels.{name} is {_type(labels[name])}, expected a list of spans"
    elif kind == "tagging" and not all(map(_is_span, labels[name] or [])):
        yield f"labels.{name} holds an entry that is not [start, end, type]"


def _label(value: Any, kind: TaskKind) -> Label:
    if kind == "classification":
        return _string(value)
    if kind == "multilabel":
        return tuple(value) if isinstance(value, list) and _is_set(value) else None
    if isinstance(value, list):
        return tuple(Span(*span) for span in value if _is_span(span))
    return None


def _is_set(value: Any) -> bool:
    if not isinstance(value, list):
        return value is None
    return all(isinstance(each, str) for each in value) and value == sorted(set(value))


def _is_span(value: Any) -> bool:
    return isinstance(value, list) and [type(part) for part in value] == [int, int, str]


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


_TYPES = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}


def _type(value: Any) -> str:
    return _TYPES.get(type(value), "null")
