"""Fingerprints of held-out rows: validation reads these instead of the rows."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plait.files import write_jsonl
from plait.leakage.shingles import packed, shingles_of_long, words, words_digest
from plait.tasks import Row, is_spans, label_names
from plait.validation.textfacts import span_facts, text_facts


def fingerprint(text: str) -> str:
    """Hex digest (sha256) of a text; it ignores differences in white space."""
    joined = " ".join(text.split())
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def write_fingerprints(path: Path, rows: Iterable[Row], short_words: int) -> None:
    """Write one line per row, without its text, words and offsets.

    `{"id", "fingerprint", "normal", "shingles", "facts": {…}, "labels": {field: [label, …]},
    "spans": {field: [[inside, disjoint, trimmed, word_aligned], …]}}`; `normal` (the
    digest of the words) is null for a text without words, `shingles` for one with fewer than
    `short_words`. Labels and facts of spans have the order of the spans.
    """
    write_jsonl(path, (_as_json(row, short_words) for row in rows))


def _as_json(row: Row, short_words: int) -> dict[str, Any]:
    found = words(row.text)
    long = shingles_of_long(found, short_words)
    spans = {f: label for f, label in row.labels.items() if is_spans(label)}
    return {
        "id": row.id,
        "fingerprint": fingerprint(row.text),
        "normal": words_digest(found) if found else None,
        "shingles": None if long is None else packed(long),
        "facts": text_facts(row.text, found)._asdict(),
        "labels": {field: label_names(label) for field, label in row.labels.items()},
        "spans": {field: span_facts(row.text, label) for field, label in spans.items()},
    }
