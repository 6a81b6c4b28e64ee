"""Fingerprints: all that validation may know of held-out rows."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plait.files import read_jsonl, write_jsonl
from plait.tasks import Label, Row


def fingerprint(text: str) -> str:
    """Hex digest that two texts share when they differ in white space at most."""
    words = " ".join(text.split())
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()


def write_fingerprints(path: Path, rows: Iterable[Row]) -> None:
    """Write `{"id", "fingerprint", "labels": {field: [label, …]}}` a row; no text, no offsets."""
    write_jsonl(path, map(_as_json, rows))


def read_fingerprints(path: Path) -> list[dict[str, Any]]:
    """What `write_fingerprints` wrote."""
    return list(read_jsonl(path))


def _as_json(row: Row) -> dict[str, Any]:
    labels = {field: label_names(label) for field, label in row.labels.items()}
    return {"id": row.id, "fingerprint": fingerprint(row.text), "labels": labels}


def label_names(label: Label) -> list[str]:
    """The label, or the type of each span; none where the row has no label."""
    if label is None:
        return []
    return [label] if isinstance(label, str) else [span.label for span in label]
