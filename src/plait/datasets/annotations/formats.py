"""The formats by name: which one a file has, and its records as columns of a table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal, get_args

from plait.datasets.annotations import (
    argilla,
    conll,
    doccano,
    fasttext,
    hugging_face,
    label_studio,
    parquet,
    prodigy,
    spacy,
)
from plait.datasets.annotations.records import has_records, records, unit
from plait.datasets.annotations.shapes import MismatchError, Wanted
from plait.datasets.formats.opening import RawFile
from plait.datasets.table_files import Records
from plait.datasets.text_files import lines
from plait.errors import PlaitError

Name = Literal[
    "label_studio",
    "label_studio_min",
    "argilla",
    "prodigy",
    "hugging_face",
    "doccano",
    "spacy",
    "conll",
    "fasttext",
]
NAMES: tuple[str, ...] = get_args(Name)
IN_CHARACTERS = frozenset(("label_studio", "label_studio_min", "hugging_face", "conll", "fasttext"))
"""Formats without spans, or whose spans get their places from the text while they are read."""
_SAMPLE = 50


@dataclass(frozen=True)
class OfRecords:
    """A format of JSON records.

    Attributes:
        grouped: joins the records that belong to one row.
        controls: the names that hold answers, where the records don't say so one by one.
        in_utf16: whether offsets count UTF-16 units, given the records and the text's name.
    """

    matches: Callable[[Mapping[str, Any]], bool]
    convert: Callable[[Mapping[str, Any], Wanted], dict[str, Any]]
    grouped: Callable[[Records], Records] = iter
    controls: Callable[[Records], frozenset[str]] = lambda _records: frozenset()
    in_utf16: Callable[[Records, str], bool] = lambda _records, _text: False


@dataclass(frozen=True)
class OfLines:
    """A format of lines of text."""

    matches: Callable[[Sequence[str]], bool]
    records: Callable[[RawFile, Wanted], Records]


# In this order: what has more marks of its own is tried first.
_OF_RECORDS: dict[str, OfRecords] = {
    "label_studio": OfRecords(
        label_studio.matches, label_studio.convert, in_utf16=label_studio.in_utf16
    ),
    "label_studio_min": OfRecords(
        label_studio.matches_minimal,
        label_studio.convert_minimal,
        label_studio.grouped,
        label_studio.controls,
        label_studio.in_utf16,
    ),
    "argilla": OfRecords(argilla.matches, argilla.convert),
    "prodigy": OfRecords(prodigy.matches, prodigy.convert),
    "hugging_face": OfRecords(hugging_face.matches, hugging_face.convert),
    "doccano": OfRecords(doccano.matches, doccano.convert),
    "spacy": OfRecords(spacy.matches, spacy.convert),
}
_OF_LINES: dict[str, OfLines] = {
    "fasttext": OfLines(fasttext.matches, fasttext.records),
    "conll": OfLines(conll.matches, conll.records),
}


def detect(file: RawFile) -> str | None:
    """The format of a file, from its first records or lines; None if it is none of them."""
    if has_records(file):
        sample = [value for _, value in islice(records(file), _SAMPLE)]
        fitting = (name for name, each in _OF_RECORDS.items() if _fits(each, sample))
        return next(fitting, None)
    head = [line for _, line in islice(lines(file), _SAMPLE)]
    return next((name for name, each in _OF_LINES.items() if each.matches(head)), None)


def _fits(format: OfRecords, sample: Sequence[Mapping[str, Any]]) -> bool:
    """Most records must match: some of an export may have no annotation."""
    return 2 * sum(map(format.matches, sample)) > len(sample) > 0


def names(file: RawFile, name: str, wanted: Wanted) -> list[str]:
    """The names that the first records of a file have in that format."""
    every = replace(wanted, names=frozenset(), spans=frozenset())
    sample = islice(read(file, name, every), _SAMPLE)
    return list(dict.fromkeys(key for _, value in sample for key in value))


def read(file: RawFile, name: str, wanted: Wanted) -> Records:
    """Number and columns of each record of a file in that format.

    Raises:
        PlaitError: a record is not as the format has it; names file, record, field, what was found
            and expected, and the remedy.
    """
    if name in _OF_LINES:
        try:
            yield from _OF_LINES[name].records(file, wanted)
        except MismatchError as error:
            raise PlaitError(f"{file.shown}, {error}") from error
        return
    yield from _converted(file, _OF_RECORDS[name], wanted)


def _converted(file: RawFile, format: OfRecords, wanted: Wanted) -> Iterator[tuple[int, Any]]:
    utf16 = format.in_utf16(records(file), wanted.text)
    known = parquet.classes(file) if parquet.is_parquet(file) else {}
    asked = wanted.names or format.controls(records(file))
    wanted = replace(wanted, names=asked, utf16=utf16, classes={**known, **wanted.classes})
    for number, value in format.grouped(records(file)):
        try:
            yield number, format.convert(value, wanted)
        except MismatchError as error:
            raise PlaitError(f"{file.shown}, {unit(file)} {number}: {error}") from error
