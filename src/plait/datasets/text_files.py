"""Read lines and JSON of text files; every error names file and line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plait.datasets.formats import json_rows
from plait.datasets.formats.columns import meant, quoted
from plait.datasets.formats.decoding import open_text
from plait.datasets.formats.opening import RawFile
from plait.errors import PlaitError


def open_raw(folder: Path, name: str) -> Path:
    """The raw file of that name.

    Raises:
        PlaitError: it is missing.
    """
    path = folder / name
    if not path.is_file():
        raise PlaitError(f"{path}: no such raw file. Bring it with `plait fetch`.")
    return path


def lines(file: RawFile) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line, without LF, CRLF and byte order mark.

    Raises:
        PlaitError: bytes that are not in the file's encoding, by default UTF-8; names the line and
            the byte offset in the file.
    """
    with open_text(file, "\n") as text:
        for number, line in enumerate(text, 1):
            yield number, line.rstrip("\r\n")


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of each line of a JSONL file; blank lines are skipped.

    Raises:
        PlaitError: a line is not a JSON object or repeats a column; names the line.
    """
    return json_rows.json_lines(RawFile(path, path))


def column(value: dict[str, Any], name: str, where: str) -> str:
    """The value of a column that must be a string.

    Args:
        where: file and row, for errors.

    Raises:
        PlaitError: the column is missing or not a string; names file, row, column and value.
    """
    found = value.get(name)
    if not isinstance(found, str):
        raise PlaitError(f"{where}: column {name!r}: {_no_string(value, name)}")
    try:
        found.encode()
    except UnicodeEncodeError as error:
        raise PlaitError(
            f"{where}: column {name!r}: holds half of a surrogate pair at character "
            f"{error.start}, expected whole Unicode characters. Write the file again as UTF-8."
        ) from error
    return found


def _no_string(value: dict[str, Any], name: str) -> str:
    if name not in value:
        return f"columns are {quoted(value)}, expected a string. {meant(name, value)}".strip()
    if value[name] is None:
        return "found null, expected a string. Write it, or remove the row."
    return f"found {value[name]!r}, expected a string."


def json_file(path: Path) -> Any:
    """The value of a JSON file.

    Raises:
        PlaitError: the file is not JSON; names the line.
    """
    text = "\n".join(line for _, line in lines(RawFile(path, path)))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise PlaitError(f"{path}, line {error.lineno}: not valid JSON ({error.msg}).") from error
