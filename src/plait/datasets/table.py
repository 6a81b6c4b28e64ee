"""Read any CSV, TSV or JSONL file by a mapping of its columns in params.yaml."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from plait.datasets.base import Reader
from plait.datasets.splits import stratified
from plait.datasets.table_files import FORMATS, Records, parse_json_cell, records
from plait.datasets.text_files import column, open_raw
from plait.errors import PlaitError
from plait.settings import Settings
from plait.sources import Hub, LocalFile, Source
from plait.sources.base import Sha256
from plait.tasks import Label, Row, Span, Split, TaskKind

_SPLIT_NAMES: Mapping[str, Split] = {
    "train": "train",
    "dev": "dev",
    "valid": "dev",
    "validation": "dev",
    "test": "heldout",
    "heldout": "heldout",
}
Share = Annotated[float, Field(gt=0, lt=1)]
Place = tuple[str, int]


class File(Settings):
    """A file of rows; with `split`, all its rows belong to that split."""

    path: str
    sha256: Sha256 | None = None
    split: Split | None = None


class Fractions(Settings):
    """Shares of each label's training rows that become dev and held-out rows."""

    dev: Share = 0.1
    heldout: Share = 0.2


class Table(Reader):
    """Rows of CSV or TSV (with a header line) or JSONL files.

    Attributes:
        files: paths from the project's root; with `hub`, paths in that data set.
        labels: field → its column.
        spans: field → its column, which holds JSON: `[[start, end, type], …]` in characters.
        split: a column with train, dev (or valid, validation) or heldout (or test).
        fractions: for each split that neither the files nor the column have.
    """

    reader: Literal["table", "annotations"] = "table"
    files: Annotated[tuple[File, ...], Field(min_length=1)]
    text: str = "text"
    id: str | None = None
    labels: Mapping[str, str] = {}
    spans: Mapping[str, str] = {}
    split: str | None = None
    fractions: Fractions = Fractions()
    hub: Hub | None = None

    @model_validator(mode="after")
    def _check(self) -> "Table":
        faults = list(self._unreadable())
        if len({self._target(file) for file in self.files}) < len(self.files):
            faults.append("two files have the same name; rename one of them")
        if not self.labels and not self.spans:
            faults.append("neither `labels` nor `spans` names a field")
        faults += [f"field {name!r} is in both" for name in self.labels if name in self.spans]
        faults += shared_columns(self._uses())
        if self.split and any(file.split for file in self.files):
            faults.append("splits come from the column `split` or from files, not from both")
        if self.hub and self.hub.type != "dataset":
            faults.append("`hub.type` is 'model', expected 'dataset'")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _unreadable(self) -> Iterator[str]:
        """A message for each file whose name says no format."""
        for file in self.files:
            if PurePosixPath(file.path).suffix not in FORMATS:
                yield f"{file.path!r} ends with none of {', '.join(FORMATS)}"

    def _records(self, path: Path) -> Records:
        """Line number and columns of each row of a file."""
        return records(path)

    def _uses(self) -> Iterator[tuple[str, str | None]]:
        """Each setting and its column; two fields of one kind may use the same column."""
        yield from (("text", self.text), ("id", self.id), ("split", self.split))
        yield from (("labels", column) for column in dict.fromkeys(self.labels.values()))
        yield from (("spans", column) for column in dict.fromkeys(self.spans.values()))

    def field_kinds(self) -> Mapping[str, TaskKind]:
        kinds: dict[str, TaskKind] = dict.fromkeys(self.labels, "classification")
        return {**kinds, **dict.fromkeys(self.spans, "tagging")}

    def sources(self) -> list[Source]:
        if self.hub:
            pins = {file.path: file.sha256 for file in self.files if file.sha256}
            paths = tuple(file.path for file in self.files)
            return [self.hub.model_copy(update={"files": paths, "sha256": pins})]
        return [
            LocalFile(
                path=file.path,
                target=self._target(file),
                sha256=file.sha256,
                setting=f"files.{index}.sha256",
            )
            for index, file in enumerate(self.files)
        ]

    def read(self, folder: Path, seed: int) -> Iterator[tuple[Split, Row]]:
        drawn = self._draw(folder, seed)
        for place, split, row in self._rows(folder):
            yield drawn.get(place, split), row

    @cached_property
    def _ids(self) -> Mapping[str, str]:
        """File → prefix of its rows' ids: its name, or its path if two names are equal."""
        targets = {file.path: self._target(file) for file in self.files}
        stems = {path: PurePosixPath(target).stem for path, target in targets.items()}
        return stems if len(set(stems.values())) == len(stems) else targets

    def _target(self, file: File) -> str:
        return file.path if self.hub else PurePosixPath(file.path).name

    def _draw(self, folder: Path, seed: int) -> dict[Place, Split]:
        """The training rows that move to another split: first to held-out, then to dev."""
        strata: dict[str, tuple[Place, str]] = {}
        given: set[Split] = set()
        for place, split, row in self._rows(folder):
            given.add(split)
            if split == "train":
                strata[row.id] = place, _stratum(row)
        drawn: dict[Place, Split] = {}
        for split, share in (("heldout", self.fractions.heldout), ("dev", self.fractions.dev)):
            if split not in given:
                rest = (
                    (name, stratum)
                    for name, (place, stratum) in strata.items()
                    if place not in drawn
                )
                for name in stratified(list(rest), share, seed):
                    drawn[strata[name][0]] = split
        return drawn

    def _rows(self, folder: Path) -> Iterator[tuple[Place, Split, Row]]:
        for file in self.files:
            path = open_raw(folder, self._target(file))
            for number, value in self._records(path):
                split = file.split or self._split(value, path, number)
                row = self._row(value, path, number, self._ids[file.path])
                yield (file.path, number), split, row

    def _split(self, value: dict[str, Any], path: Path, number: int) -> Split:
        if self.split is None:
            return "train"
        found = column(value, self.split, path, number)
        if found not in _SPLIT_NAMES:
            raise PlaitError(
                f"{path}, line {number}: column {self.split!r}: found {found!r}, expected one of "
                f"{', '.join(_SPLIT_NAMES)}."
            )
        return _SPLIT_NAMES[found]

    def _row(self, value: dict[str, Any], path: Path, number: int, origin: str) -> Row:
        text = column(value, self.text, path, number)
        name = column(value, self.id, path, number) if self.id else f"{origin}-{number:06d}"
        labels: dict[str, Label] = {}
        for field, source in self.labels.items():
            labels[field] = _label(value, source, path, number)
        for field, source in self.spans.items():
            labels[field] = _spans(value, source, text, path, number)
        return Row(name, text, labels)


def shared_columns(uses: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """A message for each column that several settings name; `uses` are settings and columns."""
    named: dict[str, list[str]] = defaultdict(list)
    for setting, name in uses:
        if name is not None:
            named[name].append(setting)
    for name, settings in named.items():
        if len(settings) > 1:
            yield f"column {name!r} is named by {' and '.join(settings)}; name it once"


def _stratum(row: Row) -> str:
    return next((label for label in row.labels.values() if isinstance(label, str)), "")


def _label(value: dict[str, Any], name: str, path: Path, number: int) -> str | None:
    """A label; None if the cell is empty or null."""
    found = value.get(name, "")
    if name not in value or not isinstance(found, str | int | None):
        column(value, name, path, number)
    return None if found is None or found == "" else str(found)


def _spans(
    value: dict[str, Any], name: str, text: str, path: Path, number: int
) -> tuple[Span, ...] | None:
    """Spans sorted by position; None if the cell is empty or null."""
    if value.get(name) in (None, "") and name in value:
        return None
    try:
        spans = tuple(sorted(Span(*_span(entry)) for entry in parse_json_cell(value[name])))
    except (KeyError, TypeError, ValueError) as error:
        raise PlaitError(
            f"{path}, line {number}: column {name!r}: found {value.get(name)!r}, expected "
            "[[start, end, type], …] in characters."
        ) from error
    _check_spans(spans, text, f"{path}, line {number}: column {name!r}")
    return spans


def _span(entry: Any) -> tuple[int, int, str]:
    start, end, label = entry
    if type(start) is not int or type(end) is not int or not isinstance(label, str):
        raise TypeError(f"{entry!r} is not a span")
    return start, end, label


def _check_spans(spans: tuple[Span, ...], text: str, where: str) -> None:
    end = 0
    for span in spans:
        if not end <= span.start < span.end <= len(text):
            raise PlaitError(
                f"{where}: span [{span.start}, {span.end}, {span.label!r}] is empty, overlaps "
                f"another or ends outside the text of {len(text)} characters. Correct the "
                "offsets: they count characters from 0, without the end."
            )
        end = span.end
