"""Values of rows in other formats than their own: as JSON, as CSV cells, as Arrow values."""

import base64
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

Kind = Literal["null", "bool", "int", "long", "float", "string", "json"]
"""Of a JSON value; a `long` is an integer that float64 can't hold, `json` is anything else."""
_EXACT, _LONGEST = 1 << 53, 1 << 63


def kind(value: Any) -> Kind:
    """The kind of a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return (
            "int" if abs(value) <= _EXACT else "long" if -_LONGEST <= value < _LONGEST else "json"
        )
    if isinstance(value, float):
        return "float"
    return "string" if isinstance(value, str) else "json"


def arrow_type(kinds: Iterable[Kind]) -> Any:
    """The Arrow type of a column of JSON values: a string of JSON where no other fits all."""
    import pyarrow

    found = set(kinds) - {"null"}
    if found == {"bool"}:
        return pyarrow.bool_()
    if found and found <= {"int", "long"}:
        return pyarrow.int64()
    if found and found <= {"int", "float"}:
        return pyarrow.float64()
    return pyarrow.string()


def arrow_values(values: Sequence[Any], kinds: Iterable[Kind]) -> list[Any]:
    """JSON values of a column as its `arrow_type` takes them."""
    found = set(kinds) - {"null"}
    if found <= {"string"}:
        return list(map(unescaped, values))
    if found in ({"bool"}, {"int"}, {"long"}, {"int", "long"}, {"float"}, {"int", "float"}):
        return list(values)
    return [None if value is None else unescaped(as_json(value)) for value in values]


def unescaped(text: str | None) -> str | None:
    """Text for a format that holds UTF-8 alone; U+FFFD stands for bytes that are none."""
    if text is None or text.isascii():
        return text
    return as_bytes(text).decode("utf-8", "replace")


def as_bytes(text: str) -> bytes:
    """UTF-8; bytes that were no UTF-8 in a file are the same again."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # lone surrogates that a file spells out, as JSON can
        return text.encode("utf-8", "replace")


def as_json(value: Any) -> str:
    """JSON text: dates in ISO 8601, bytes in base64, NaN and infinity as null."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, default=_plain)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(_finite(value), default=_plain)
    return text


def as_cell(value: Any) -> str:
    """A value as a CSV cell: null is empty, what is no scalar is JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bool | int | list | dict | tuple):
        return as_json(value)
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value.isoformat() if hasattr(value, "isoformat") else value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return list(map(_finite, value)) if isinstance(value, list | tuple) else value
