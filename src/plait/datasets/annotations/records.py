"""Records of a JSON array, of JSONL or of Parquet."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plait.datasets.annotations import parquet
from plait.datasets.formats.json_rows import entries
from plait.datasets.formats.opening import RawFile
from plait.datasets.table_files import Records
from plait.datasets.text_files import json_lines, lines
from plait.errors import PlaitError


def unit(path: Path) -> str:
    """What the numbers of `records` count."""
    return "record" if parquet.is_parquet(path) or is_array(path) else "line"


def is_array(path: Path) -> bool:
    """Whether the first character that isn't blank opens a JSON array of records."""
    first = next((line.lstrip() for _, line in lines(path) if line.strip()), "")
    return first.startswith("[") and not _is_section(first)


def _is_section(line: str) -> bool:
    """Whether a line is no JSON but a word in brackets, such as `[CLS]`."""
    return line[1:2].isalpha()


def has_records(path: Path) -> bool:
    """Whether the file can hold records: JSON or Parquet, rather than lines of text."""
    if parquet.is_parquet(path):
        return True
    first = next((line.lstrip() for _, line in lines(path) if line.strip()), "")
    return first.startswith("{") or is_array(path)


def records(path: Path) -> Records:
    """The number of a line (of JSONL) or of a record (otherwise, from 1), and the record.

    In an array a record may also be spaCy's pair of a text and its annotations.

    Raises:
        PlaitError: the file is not JSON, or an entry of the array is not a record.
    """
    if parquet.is_parquet(path):
        return parquet.records(path)
    return _array(path) if is_array(path) else json_lines(path)


def _array(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, (_, value) in enumerate(entries(RawFile(path, path)), 1):
        if _is_pair(value):
            value = {"text": value[0], **value[1]}
        if not isinstance(value, dict):
            raise PlaitError(
                f"{path}, record {number}: found {json.dumps(value)[:80]}, expected an object. "
                "Export the file again."
            )
        yield number, value


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], dict)
    )
