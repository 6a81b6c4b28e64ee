"""Read exports of annotation tools; files, splits and fields are those of the table reader."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

from plait.datasets.annotations import formats
from plait.datasets.annotations.parquet import is_parquet
from plait.datasets.annotations.records import unit
from plait.datasets.annotations.shapes import Disagreement, Join, Wanted, shown
from plait.datasets.formats.layout import Layout
from plait.datasets.formats.opening import RawFile
from plait.datasets.hub_card import Classes
from plait.datasets.offsets import CHARACTERS, Reading
from plait.datasets.places import Place
from plait.datasets.table import Table
from plait.datasets.table_files import Records, outside_names
from plait.errors import PlaitError


class Annotations(Table):
    """Rows of exports of annotation tools, each file in one of `plait.datasets.annotations`.

    Attributes:
        labels, spans: field → its name in the export (docs/data.md lists the names).
        text, id, split: names in the export, where it has metadata beside the annotations.
        encoding: of text files; no other setting of a table's layout applies.
        format: what the files are; `auto` finds out from the content of each.
        names: name in the export → what its numbers mean (Hugging Face's features).
        disagreement: what becomes of a row about which annotators differ.
        suggestions: a model's suggestions count where no person answered.
        offsets, offsets_from: what the file's spans count; not for formats whose spans are found
            from the text itself (`formats.IN_CHARACTERS`).
        join: how tokens are joined to a text; `auto`: without spaces in scripts that have none.
    """

    reader: Literal["annotations"] = "annotations"
    format: Literal["auto"] | formats.Name = "auto"
    names: Mapping[str, tuple[str, ...]] = {}
    disagreement: Disagreement = "error"
    suggestions: bool = False
    join: Join = "auto"

    def _unusable(self) -> Iterator[str]:
        """The content says the format, so any name will do, but settings of tables don't."""
        layout = self.model_dump(include=set(Layout.model_fields) - {"encoding"})
        for name, found in layout.items():
            if found != Layout.model_fields[name].default:
                yield (
                    f"found `{name}: {_yaml(found)}`, expected no such setting: the format of an "
                    "export says where its text, labels and spans stand. Remove it, or set "
                    "`reader: table` for columns"
                )

    @cached_property
    def _wanted(self) -> Wanted:
        metadata = ("text", "id", "split")
        asked = {name for setting, name in self._uses() if name and setting not in metadata}
        return Wanted(
            text=self.text,
            names=frozenset(asked),
            spans=frozenset(self.spans.values()),
            classes=self.names,
            disagreement=self.disagreement,
            suggestions=self.suggestions,
            join=self.join,
        )

    def _unit(self, place: Place) -> str:
        return unit(self._file(place))

    def _classes(self, _place: Place) -> Classes:
        """The formats themselves name classes."""
        return {}

    def _file(self, place: Place) -> RawFile:
        return RawFile(place.path, place.shown, self)

    def _records(self, place: Place, wanted: Sequence[str]) -> Records:
        file = self._file(place)
        if self.encoding and is_parquet(file):
            raise PlaitError(
                f"{file.shown}: found `encoding: {self.encoding}`, expected no such setting: "
                "Parquet says itself how its text is written. Remove it."
            )
        name = self.format if self.format != "auto" else formats.detect(file)
        if name is None:
            raise PlaitError(
                f"{file.shown}: found none of {', '.join(formats.NAMES)} in its first records. Set "
                "`format` if it is one of them, or `reader: table` for columns."
            )
        counted = Reading(self.offsets, self.offsets_from)
        if name in formats.IN_CHARACTERS and counted != CHARACTERS:
            raise PlaitError(
                f"{file.shown}: found `{counted.setting}`, expected no such setting: the spans of "
                f"{name} are read as characters already. Remove it."
            )
        missing = set(self._wanted.names)
        numbers, classes = unit(file), {**outside_names(file, place.card), **self.names}
        for number, value in formats.read(file, name, replace(self._wanted, classes=classes)):
            missing -= value.keys()
            yield number, self._cells(value, f"{file.shown}, {numbers} {number}")
        if missing:
            there = formats.names(file, name, self._wanted)
            raise PlaitError(
                f"{file.shown}: no record has {', '.join(sorted(missing))}; as {name} the records "
                f"have {', '.join(there)}. Correct the names in `labels` and `spans`."
            )

    def _cells(self, value: dict[str, Any], where: str) -> dict[str, Any]:
        """The columns, each label as a string; a record without an answer has None there."""
        for name in self._wanted.names:
            value.setdefault(name, None)
        for name in self.labels.values():
            if isinstance(value[name], list):
                value[name] = _single(value[name], f"{where}: {name}")
        return value


def _yaml(found: Any) -> str:
    return json.dumps(found, ensure_ascii=False)


def _single(labels: list[Any], where: str) -> Any:
    if len(labels) > 1 or not all(isinstance(label, str) for label in labels):
        raise PlaitError(
            f"{where}: found {shown(labels)}, expected one label. Remove all labels but one from "
            "the row; a field of several labels belongs in `label_sets`, one of spans in `spans`."
        )
    return labels[0] if labels else None
