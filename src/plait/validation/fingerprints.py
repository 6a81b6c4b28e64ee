"""Fingerprints: all that validation may know of held-out rows."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plait.files import write_jsonl
from plait.leakage.shingles import normal, packed, shingles, words
from plait.tasks import Row, label_names
from plait.validation.textfacts import facts, span_facts


def fingerprint(text: str) -> str:
    """Hex digest that two texts share when they differ in white space at most."""
    joined = " ".join(text.split())
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def write_fingerprints(path: Path, rows: Iterable[Row], short_words: int) -> None:
    """Write a line a row: no text, no word of it, no offset.

    `{"id", "fingerprint", "normal", "shingles", "facts": {…}, "labels": {field: [label, …]},
    "spans": {field: [[inside, apart, on_words], …]}}`; `normal` is null for a text without words,
    `shingles` for one of fewer than `short_words`. Labels and facts of spans are in the order of
    the spans.
    """
    write_jsonl(path, (_as_json(row, short_words) for row in rows))


def _as_json(row: Row, short_words: int) -> dict[str, Any]:
    found = words(row.text)
    spans = {f: label for f, label in row.labels.items() if isinstance(label, tuple)}
    return {
        "id": row.id,
        "fingerprint": fingerprint(row.text),
        "normal": normal(found) if found else None,
        "shingles": packed(shingles(found)) if len(found) >= short_words else None,
        "facts": facts(row.text, found)._asdict(),
        "labels": {field: label_names(label) for field, label in row.labels.items()},
        "spans": {field: span_facts(row.text, label) for field, label in spans.items()},
    }
