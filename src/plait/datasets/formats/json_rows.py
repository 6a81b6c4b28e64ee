"""Rows of JSON files, one at a time: an object on each line, or an array of objects."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

from plait.datasets.formats.decoding import open_text
from plait.datasets.formats.opening import RawFile, Records
from plait.errors import PlaitError

_BLOCK = 1 << 16
_BLANK = re.compile(r"\s*")
_LONGEST_MARK = 12
"""More characters than a number's beginning, an escape or a word such as `false` has."""


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object with unique keys; Python itself would silently keep the last of equal keys."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} occurs twice")
    return found


def _constant(name: str) -> float | None:
    """NaN, which Python writes for a value that is missing, is null."""
    return None if name == "NaN" else float(name.replace("Infinity", "inf"))


DECODER = json.JSONDecoder(object_pairs_hook=unique, parse_constant=_constant)
"""Refuses equal keys; NaN is None."""


def json_rows(file: RawFile) -> Records:
    """Line number and object of each row. A file that begins with `[` is an array.

    Raises:
        PlaitError: a row is not a JSON object or repeats a column; names the line.
    """
    with open_text(file) as text:
        start = text.read(_BLOCK).lstrip()
    yield from (_array if start.startswith("[") else json_lines)(file)


def json_lines(file: RawFile) -> Records:
    """Line number and object of each line; blank lines are skipped.

    Raises:
        PlaitError: a line is not a JSON object or repeats a column; names the line.
    """
    with open_text(file) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    value = DECODER.decode(line)
                except (ValueError, RecursionError) as error:
                    raise _invalid(file, number, error, "one object per line") from error
                yield number, _row(file, number, value)


def _array(file: RawFile) -> Records:
    return ((number, _row(file, number, value)) for number, value in entries(file))


def entries(file: RawFile) -> Iterator[tuple[int, Any]]:
    """Line number and value of each entry of a file that holds a JSON array.

    Raises:
        PlaitError: an entry is not JSON, or the array is cut off; names the line.
    """
    with open_text(file, None) as text:
        scanner = _Scanner(text)
        scanner.skip()
        while scanner.mark() not in ("]", ""):
            number = scanner.line()
            try:
                value = scanner.value()
            except (ValueError, RecursionError) as error:
                raise _invalid(file, scanner.line(), error, "an array of objects") from error
            yield number, value
            if scanner.mark() == ",":
                scanner.skip()
            elif scanner.mark() != "]":
                break
        _check_end(file, scanner)


def _check_end(file: RawFile, scanner: "_Scanner") -> None:
    mark = scanner.mark()
    if mark == "]":
        scanner.skip()
        mark = scanner.mark()
        if not mark:
            return
        what = f"found {mark!r} behind the array"
    else:
        what = f"found {mark!r} between two rows" if mark else "the array is cut off"
    raise _invalid(file, scanner.line(), ValueError(what), "an array of objects")


class _Scanner:
    """Values of a JSON text, of which it keeps no more than the value at hand."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._buffer, self._at = text, "", 0
        self._line, self._counted = 1, 0

    def line(self) -> int:
        """The number of the line."""
        self._line += self._buffer.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def mark(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            match = _BLANK.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def skip(self) -> None:
        """Step over the next character that is not blank."""
        self.mark()
        self._at += 1

    def value(self) -> Any:
        """The next value.

        Raises:
            ValueError: it is not JSON, or has equal keys.
        """
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if not self._cut(error) or not self._more():
                    self._at = min(error.pos, len(self._buffer))
                    raise ValueError(error.msg) from error
            else:
                if end < len(self._buffer) or not self._more():
                    self._at = end
                    return value

    def _cut(self, error: json.JSONDecodeError) -> bool:
        """Whether the fault may be that the rest is not read yet."""
        near = error.pos >= len(self._buffer) - _LONGEST_MARK
        return near or error.msg.startswith("Unterminated string")

    def _more(self) -> bool:
        """Read on; more for a long value, so that it is not scanned too often."""
        self.line()
        rest = self._buffer[self._at :]
        block = self._text.read(max(_BLOCK, len(rest)))
        self._buffer, self._at, self._counted = rest + block, 0, 0
        return bool(block)


def _row(file: RawFile, number: int, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PlaitError(
            f"{file.shown}, line {number}: found a JSON {type(value).__name__}, expected an object "
            "with the row's columns."
        )
    return value


def _invalid(file: RawFile, number: int, error: Exception, expected: str) -> PlaitError:
    return PlaitError(
        f"{file.shown}, line {number}: not valid JSON ({error}); expected {expected}. Correct or "
        "remove the line."
    )
