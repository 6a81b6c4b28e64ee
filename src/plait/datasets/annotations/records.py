"""Records of a JSON array, of JSONL or of Parquet."""

import json
from collections.abc import Iterator
from typing import Any

from plait.datasets.annotations import parquet
from plait.datasets.formats.json_rows import entries, json_lines
from plait.datasets.formats.opening import RawFile
from plait.datasets.table_files import Records
from plait.datasets.text_files import lines
from plait.errors import PlaitError


def unit(file: RawFile) -> str:
    """What the numbers of `records` count."""
    if parquet.is_parquet(file):
        return "row"
    return "record" if is_array(file) else "line"


def is_array(file: RawFile) -> bool:
    """Whether the first character that isn't blank opens a JSON array of records."""
    first = next((line.lstrip() for _, line in lines(file) if line.strip()), "")
    return first.startswith("[") and not _is_section(first)


def _is_section(line: str) -> bool:
    """Whether a line is no JSON but a word in brackets, such as `[CLS]`."""
    return line[1:2].isalpha()


def has_records(file: RawFile) -> bool:
    """Whether the file can hold records: JSON or Parquet, rather than lines of text."""
    if parquet.is_parquet(file):
        return True
    first = next((line.lstrip() for _, line in lines(file) if line.strip()), "")
    return first.startswith("{") or is_array(file)


def records(file: RawFile) -> Records:
    """The number of a line (of JSONL) or of a record (otherwise, from 1), and the record.

    In an array a record may also be spaCy's pair of a text and its annotations.

    Raises:
        PlaitError: the file is not JSON, or an entry of the array is not a record.
    """
    if parquet.is_parquet(file):
        return parquet.records(file)
    return _array(file) if is_array(file) else json_lines(file)


def _array(file: RawFile) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, (_, value) in enumerate(entries(file), 1):
        if _is_pair(value):
            value = {"text": value[0], **value[1]}
        if not isinstance(value, dict):
            raise PlaitError(
                f"{file.shown}, record {number}: found {json.dumps(value)[:80]}, expected an "
                "object. Export the file again."
            )
        yield number, value


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], dict)
    )
