"""JSON files that show whether they were altered: each holds the sha256 of its own content."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plait.files import dump_json, write_json

SEAL = "sha256"


def seal(value: Mapping[str, Any]) -> str:
    """sha256 of a value's JSON (`plait.files.dump_json`), its seal left out."""
    return hashlib.sha256(dump_json({k: v for k, v in value.items() if k != SEAL})).hexdigest()


def write_sealed(path: Path, value: Mapping[str, Any]) -> None:
    """Write `value` with its seal, whole or not at all."""
    write_json(path, {**value, SEAL: seal(value)})


def read_sealed(path: Path) -> dict[str, Any]:
    """A sealed value, its seal included.

    Raises:
        OSError: the file can't be read.
        ValueError: any byte of it differs from what `write_sealed` wrote.
    """
    return _opened(path.read_bytes())


def repaired(content: bytes) -> bytes | None:
    """The content before one of its bits was flipped; None if that isn't what happened to it.

    Tries each bit, so the time grows with the square of the length: seconds for 20 kB.
    """
    trial = bytearray(content)
    for place in range(len(trial)):
        for bit in range(8):
            trial[place] ^= 1 << bit
            if _fits(bytes(trial)):
                return bytes(trial)
            trial[place] ^= 1 << bit
    return None


_LINE = re.compile(rb'\n  "sha256": "([0-9a-f]{64})",?(?=\n)')


def _fits(content: bytes) -> bool:
    """Whether `content` is what `write_sealed` writes; quick where it isn't."""
    line = _LINE.search(content)
    if line is None:
        return False
    rest = content[line.end() :]
    before = content[: line.start()].removesuffix(b"," if rest == b"\n}\n" else b"")
    if hashlib.sha256(before + rest).hexdigest().encode() != line[1]:
        return False
    try:
        _opened(content)
    except ValueError:
        return False
    return True


def _opened(content: bytes) -> dict[str, Any]:
    value = json.loads(content)
    if not isinstance(value, dict) or SEAL not in value:
        raise ValueError("no sealed JSON object")
    found, expected = value[SEAL], seal(value)
    if found != expected:
        raise ValueError(f"content with sha256 {expected} under the seal {found}")
    if content != dump_json(value):
        raise ValueError("another layout than the one it was written in")
    return value
