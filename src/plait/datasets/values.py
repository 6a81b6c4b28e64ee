"""Labels and spans of a row's cells, and the settings that say how they are written."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from plait.datasets.base import Reader
from plait.datasets.offsets import CHARACTERS, Reading, Unit, fitting
from plait.datasets.spelling import normalised
from plait.datasets.table_files import parse_json_cell
from plait.datasets.text_files import column
from plait.errors import PlaitError
from plait.segmentation import is_blank, words
from plait.tasks import Span

Meant = Annotated[str, Field(pattern=r"\S")]
Written = tuple[int, int, str]


@dataclass(frozen=True)
class Cell:
    """A cell of a row: `row` maps columns to values, `where` names file and row."""

    row: dict[str, Any]
    column: str
    where: str

    def __str__(self) -> str:
        return f"{self.where}: column {self.column!r}"


class ValueReader(Reader):
    """A reader whose labels and spans stand in cells, as people and their tools write them.

    Attributes:
        label_map: field → a label (span type) of the source → the one that it means; null: none.
        normalise_labels: labels and span types become what `plait.datasets.spelling.normalised`
            makes of them, unless `label_map` has them.
        offsets: what the offsets of spans count (`plait.datasets.offsets.Reading`).
        offsets_from: the number of the first character.
        trim_spans: spans lose white space at their ends.
    """

    label_map: Mapping[str, Mapping[str, Meant | None]] = {}
    normalise_labels: bool = False
    offsets: Unit = "characters"
    offsets_from: Literal[0, 1] = 0
    trim_spans: bool = False

    @model_validator(mode="after")
    def _check_map(self) -> "ValueReader":
        known = self.field_kinds()
        if unknown := sorted(set(self.label_map) - set(known)):
            raise ValueError(
                f"`label_map` names {unknown[0]!r}, expected a field: {', '.join(known)}"
            )
        return self

    def read_label(self, cell: Cell, field: str) -> str | None:
        """The label in a cell; None if the cell is null, blank, or mapped to null.

        Raises:
            PlaitError: the column is missing or holds no label; names file, line and column.
        """
        found = cell.row.get(cell.column)
        if isinstance(found, str) or cell.column not in cell.row or not _is_label(found):
            found = column(cell.row, cell.column, cell.where)
        return None if found is None or is_blank(str(found)) else self._meant(str(found), field)

    def read_spans(self, cell: Cell, field: str, text: str) -> tuple[Span, ...] | None:
        """The spans in a cell, sorted by position; None if the cell is empty or null.

        Raises:
            PlaitError: the column is missing, or a span is malformed, empty, outside the text or
                overlaps another; names file, line and column, and shows what the span cuts.
        """
        found = cell.row.get(cell.column, "[")
        if found is None or (isinstance(found, str) and is_blank(found)):
            return None
        written = _parsed(cell)
        try:
            return _disjoint(sorted(self._spans(written, field, text)), text)
        except ValueError as error:
            hint = _hint(text, written, Reading(self.offsets, self.offsets_from))
            raise PlaitError(f"{cell}: {error}. {hint}") from error

    def _spans(self, written: Iterable[Written], field: str, text: str) -> Iterator[Span]:
        reading = Reading(self.offsets, self.offsets_from)
        for start, end, name in written:
            label = self._meant(name, field)
            place = reading.place(text, start, end)
            if place is None:
                raise ValueError(
                    f"span [{start}, {end}, {name!r}] begins or ends inside a character or outside "
                    f"the text, by `{reading.setting}`"
                )
            if label is not None:
                span = Span(*place, label)
                yield _trimmed(span, text) if self.trim_spans else span

    def meant_set(self, written: Iterable[str], field: str) -> tuple[str, ...]:
        """The labels that are meant, sorted, each once; none for those mapped to null."""
        meant = {self._meant(label, field) for label in written}
        return tuple(sorted(label for label in meant if label is not None))

    def _meant(self, written: str, field: str) -> str | None:
        """The label or span type that is meant."""
        mapped = self.label_map.get(field, {})
        if written in mapped:
            return mapped[written]
        name = normalised(written) if self.normalise_labels else written
        return mapped.get(name, name)


def _is_label(found: Any) -> bool:
    return isinstance(found, int | None)


def _parsed(cell: Cell) -> list[Written]:
    """Start, end and type of each span as the cell has them."""
    found = cell.row.get(cell.column)
    try:
        entries = [_entry(each) for each in parse_json_cell(cell.row[cell.column])]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise PlaitError(
            f"{cell}: found {found!r}, expected [[start, end, type], …] in characters."
        ) from error
    for start, end, label in entries:
        if is_blank(label):
            raise PlaitError(
                f"{cell}: span [{start}, {end}, {label!r}] has no type. Name its type, or remove "
                "the span."
            )
        column({cell.column: label}, cell.column, cell.where)
    return entries


def _entry(entry: Any) -> Written:
    start, end, label = entry
    if type(start) is not int or type(end) is not int or not isinstance(label, str):
        raise TypeError(f"{entry!r} is not a span")
    return start, end, label


def _trimmed(span: Span, text: str) -> Span:
    """The span without white space and invisible characters at its ends, if it has others."""
    places = words(text[span.start : span.end]) if span.start >= 0 else []
    if not places:
        return span
    return Span(span.start + places[0][0], span.start + places[-1][1], span.label)


def _disjoint(spans: list[Span], text: str) -> tuple[Span, ...]:
    """The sorted spans.

    Raises:
        ValueError: one is empty, outside the text, or overlaps another; says which.
    """
    before: Span | None = None
    for span in spans:
        named = f"span {_shown(span)}"
        if span.start == span.end:
            raise ValueError(f"{named} is empty: it begins and ends at {span.start}")
        if span.start > span.end:
            raise ValueError(f"{named} ends before it begins")
        if span.start < 0 or span.end > len(text):
            side = "begins before" if span.start < 0 else "ends after"
            raise ValueError(f"{named} {side} the text of {len(text)} characters")
        named += f", which cuts {text[span.start : span.end]!r},"
        if before is not None and span.start < before.end:
            cut = text[before.start : before.end]
            raise ValueError(f"{named} overlaps {_shown(before)}, which cuts {cut!r}")
        before = span
    return tuple(spans)


def _shown(span: Span) -> str:
    return f"[{span.start}, {span.end}, {span.label!r}]"


def _hint(text: str, written: Iterable[Written], used: Reading) -> str:
    """What to do about faulty offsets: the readings by which the spans of the row fit its words."""
    places = [(start, end) for start, end, _ in written]
    settings = [f"`{each.setting}`" for each in fitting(text, places) if each != used]
    if settings:
        return (
            f"The spans of this row fit its words by {' or '.join(settings)}: set that for the "
            "dataset, if all rows count so."
        )
    plain = ": they count characters from 0, without the end" if used == CHARACTERS else ""
    return f"Correct the offsets{plain}."
