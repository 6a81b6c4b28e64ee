"""JSON files that show whether they were altered: each holds the sha256 of its own content."""

import hashlib
import json
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
    content = path.read_bytes()
    value = json.loads(content)
    if not isinstance(value, dict) or SEAL not in value:
        raise ValueError("no sealed JSON object")
    found, expected = value[SEAL], seal(value)
    if found != expected:
        raise ValueError(f"content with sha256 {expected} under the seal {found}")
    if content != dump_json(value):
        raise ValueError("another layout than the one it was written in")
    return value
