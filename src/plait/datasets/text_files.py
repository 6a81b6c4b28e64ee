"""Read lines and JSON of text files; every error names file and line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line, without LF, CRLF and byte order mark.

    Raises:
        PlaitError: bytes that are not UTF-8; names the line and the byte offset in the file.
    """
    offset = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            yield number, _decode(path, number, offset, line).rstrip("\r\n")
            offset += len(line)


def _decode(path: Path, number: int, offset: int, line: bytes) -> str:
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise PlaitError(
            f"{path}, line {number}: byte 0x{line[error.start]:02x} at offset "
            f"{offset + error.start} is not UTF-8. Save the file as UTF-8 "
            "(for example: iconv -f latin1 -t utf-8)."
        ) from error


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of each line of a JSONL file; blank lines are skipped.

    Raises:
        PlaitError: a line is not a JSON object or repeats a column; names the line.
    """
    for number, line in lines(path):
        if not line.strip():
            continue
        try:
            value = json.loads(line, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            raise PlaitError(
                f"{path}, line {number}: not valid JSON ({error}); expected one object per line. "
                "Correct or remove the line."
            ) from error
        if not isinstance(value, dict):
            raise PlaitError(
                f"{path}, line {number}: found a JSON {type(value).__name__}, expected an object "
                "with the row's columns."
            )
        yield number, value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object with unique keys; Python itself would silently keep the last of equal keys."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} occurs twice")
    return found


def column(value: dict[str, Any], name: str, path: Path, number: int) -> str:
    """The value of a column that must be a string.

    Raises:
        PlaitError: the column is missing or not a string; names file, line, column and value.
    """
    found = value.get(name)
    if not isinstance(found, str):
        there = f"found {found!r}" if name in value else f"columns are {', '.join(value)}"
        raise PlaitError(f"{path}, line {number}: column {name!r}: {there}, expected a string.")
    try:
        found.encode()
    except UnicodeEncodeError as error:
        raise PlaitError(
            f"{path}, line {number}: column {name!r}: holds half of a surrogate pair at character "
            f"{error.start}, expected whole Unicode characters. Write the file again as UTF-8."
        ) from error
    return found


def json_file(path: Path) -> Any:
    """The value of a JSON file.

    Raises:
        PlaitError: the file is not JSON; names the line.
    """
    text = "\n".join(line for _, line in lines(path))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise PlaitError(f"{path}, line {error.lineno}: not valid JSON ({error.msg}).") from error
