"""Read files of rows in any known format by a mapping of their columns in params.yaml."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from plait.datasets.cells import add_nested, read_text, text_columns, write_scalars
from plait.datasets.formats.layout import Layout
from plait.datasets.formats.opening import RawFile
from plait.datasets.hub_card import Classes, name_classes
from plait.datasets.label_sets import LabelSet
from plait.datasets.places import (
    HUB_FILES,
    Place,
    hub_pattern,
    hub_places,
    local_places,
    prefixes,
    targets,
)
from plait.datasets.splits import rarest_labels, split_named, stratified
from plait.datasets.table_files import Records, fault, outside_names, records, unit
from plait.datasets.text_files import column
from plait.datasets.values import Cell, ValueReader
from plait.errors import PlaitError
from plait.settings import Settings
from plait.sources import Hub, LocalFile, Source
from plait.sources.base import Sha256
from plait.tasks import Label, Row, Split, TaskKind, label_names

Share = Annotated[float, Field(gt=0, lt=1)]
Key = tuple[Path, int]


def _split(value: Any) -> Any:
    return split_named(value) if isinstance(value, str) else value


class File(Settings):
    """A file of rows, a folder or a pattern; with `split`, all its rows belong to that split."""

    path: str
    sha256: Sha256 | None = None
    split: Annotated[Split | None, BeforeValidator(_split)] = None


class Fractions(Settings):
    """Shares of each label's training rows that become dev and held-out rows."""

    dev: Share = 0.1
    heldout: Share = 0.2


class Table(ValueReader, Layout):
    """Rows of files whose format `plait.datasets.table_files` knows.

    Attributes:
        files: paths from the project's root; with `hub`, paths in that data set, by default all
            that are named like a split.
        text: a column, a field in it (`data.text`), or a template of several: `{title}: {body}`.
        labels: field → its column.
        label_sets: field → where the labels stand, of which several may apply or none.
        spans: field → its column, which holds JSON: `[[start, end, type], …]`.
        split: a column with names of splits (`plait.datasets.splits`).
        fractions: for each split that neither the files nor the column have.
    """

    reader: Literal["table", "annotations"] = "table"
    files: tuple[File, ...] = ()
    text: str = "text"
    id: str | None = None
    labels: Mapping[str, str] = {}
    label_sets: Mapping[str, LabelSet] = {}
    spans: Mapping[str, str] = {}
    split: str | None = None
    fractions: Fractions = Fractions()
    hub: Hub | None = None

    @model_validator(mode="after")
    def _check(self) -> "Table":
        faults = list(self._unusable())
        paths = [file.path for file in self.files]
        if len(set(targets(paths).values())) < len(paths):
            faults.append("a file is named twice; name it once")
        if not self.files and not self.hub:
            faults.append("`files` names no file")
        named = [*self.labels, *self.label_sets, *self.spans]
        if not named:
            faults.append("none of `labels`, `label_sets` and `spans` names a field")
        twice = sorted({name for name in named if named.count(name) > 1})
        faults += [f"field {name!r} is named twice" for name in twice]
        faults += shared_columns(self._uses())
        if self.split and any(file.split for file in self.files):
            faults.append("splits come from the column `split` or from files, not from both")
        if self.hub and self.hub.type != "dataset":
            faults.append("`hub.type` is 'model', expected 'dataset'")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _unusable(self) -> Iterator[str]:
        """A message for each file whose name says no format, and each setting of no use."""
        return (wrong for file in self.files if (wrong := fault(file.path)))

    def _records(self, place: Place, wanted: Sequence[str]) -> Records:
        """Number and columns of each row of a file."""
        return records(place.path, self, place.shown, wanted)

    def _unit(self, place: Place) -> str:
        """What the numbers of the rows count."""
        return unit(RawFile(place.path, place.shown))

    def _classes(self, place: Place) -> Classes:
        """The names of classes that stand as numbers in the rows."""
        return outside_names(RawFile(place.path, place.shown), place.card)

    def _uses(self) -> Iterator[tuple[str, str | None]]:
        """Each setting and its column; two fields of one kind may use the same column."""
        yield from (("text", column) for column in text_columns(self.text))
        yield from (("id", self.id), ("split", self.split))
        yield from (("labels", column) for column in dict.fromkeys(self.labels.values()))
        sets = (name for found in self.label_sets.values() for name in found.uses())
        yield from (("label_sets", column) for column in dict.fromkeys(sets))
        yield from (("spans", column) for column in dict.fromkeys(self.spans.values()))

    def field_kinds(self) -> Mapping[str, TaskKind]:
        kinds: dict[str, TaskKind] = dict.fromkeys(self.labels, "classification")
        kinds |= dict.fromkeys(self.label_sets, "multilabel")
        return {**kinds, **dict.fromkeys(self.spans, "tagging")}

    def sources(self) -> list[Source]:
        if self.hub:
            pins = {file.path: file.sha256 for file in self.files if file.sha256}
            paths = tuple(hub_pattern(file.path) for file in self.files) or HUB_FILES
            return [self.hub.model_copy(update={"files": paths, "sha256": pins})]
        named = targets([file.path for file in self.files])
        return [
            LocalFile(
                path=file.path,
                target=named[file.path],
                sha256=file.sha256,
                setting=f"files.{index}.sha256",
            )
            for index, file in enumerate(self.files)
        ]

    def read(self, folder: Path, seed: int) -> Iterator[tuple[Split, Row]]:
        drawn = self._draw(folder, seed)
        for place, split, row in self._rows(folder):
            yield drawn.get(place, split), row

    def _draw(self, folder: Path, seed: int) -> dict[Key, Split]:
        """The training rows that move to another split: first to held-out, then to dev."""
        strata: dict[str, tuple[Key, str]] = {}
        sets: dict[str, tuple[str, ...]] = {}
        given: set[Split] = set()
        for place, split, row in self._rows(folder):
            given.add(split)
            if split == "train":
                strata[row.id] = place, _stratum(row)
                if several := self._set(row):
                    sets[row.id] = several
        for name, rarest in rarest_labels(sets).items():
            strata[name] = strata[name][0], rarest
        drawn: dict[Key, Split] = {}
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

    def _places(self, folder: Path) -> list[Place]:
        """The files in the order of the settings, those of a folder or pattern by name."""
        splits = {file.path: file.split for file in self.files}
        if self.hub:
            return hub_places(folder, self.hub.repo, splits)
        return local_places(folder, splits)

    def _rows(self, folder: Path) -> Iterator[tuple[Key, Split, Row]]:
        places = self._places(folder)
        named, wanted = prefixes(places), tuple(dict.fromkeys(self._columns()))
        nested, scalars = [name for name in wanted if "." in name], self._scalars()
        for place in places:
            path, prefix, unit = place.path, named[place], self._unit(place)
            classes = self._classes(place)
            for count, (number, value) in enumerate(self._records(place, wanted), 1):
                if nested:
                    add_nested(value, nested)
                write_scalars(value, scalars)
                where = f"{place.shown}, {unit} {number}"
                name_classes(value, classes, where)
                split = place.split or self._split(value, where)
                yield (path, count), split, self._row(value, where, f"{prefix}-{count:06d}")

    def _columns(self) -> Iterator[str]:
        """The columns that are read."""
        return (name for _, name in self._uses() if name is not None)

    def _scalars(self) -> list[str]:
        """The columns whose numbers and truth values are names: ids and labels."""
        return [*filter(None, [self.id]), *self.labels.values()]

    def _set(self, row: Row) -> tuple[str, ...]:
        """The labels of a row that has no single label, of the first field of several."""
        if self.labels or not self.label_sets:
            return ()
        return tuple(label_names(row.labels[next(iter(self.label_sets))]))

    def _split(self, value: dict[str, Any], where: str) -> Split:
        if self.split is None:
            return "train"
        try:
            return split_named(column(value, self.split, where))
        except ValueError as error:
            raise PlaitError(f"{where}: column {self.split!r}: {error}.") from error

    def _row(self, value: dict[str, Any], where: str, made: str) -> Row:
        text = read_text(value, self.text, where)
        name = column(value, self.id, where) if self.id else made
        labels: dict[str, Label] = {}
        for field, source in self.labels.items():
            labels[field] = self.read_label(Cell(value, source, where), field)
        for field, found in self.label_sets.items():
            several = found.read(value, where)
            labels[field] = None if several is None else self.meant_set(several, field)
        for field, source in self.spans.items():
            labels[field] = self.read_spans(Cell(value, source, where), field, text)
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
