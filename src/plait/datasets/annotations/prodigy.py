"""Prodigy's JSONL (`db-out`): choices, one label to accept or reject, spans."""

from collections.abc import Mapping
from typing import Any

from plait.datasets.annotations.shapes import Wanted, need, plain, spans_of

_ANSWERS = ("accept", "reject", "ignore")


def matches(value: Mapping[str, Any]) -> bool:
    """Whether a record has an answer, Prodigy's hashes, or options of which some are accepted."""
    options = "options" in value and isinstance(value.get("accept"), list)
    return options or "_task_hash" in value or value.get("answer") in _ANSWERS


def convert(value: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Columns of a record: `accept` (chosen options), `label` and `spans`, where it has them.

    A record that the annotator rejected or ignored has none of them: it says what is wrong only.
    """
    found = plain(value)
    accepted = value.get("answer", "accept") == "accept"
    if "accept" in value and wanted.asks("accept"):
        chosen = [str(each) for each in need(value, "accept", list)]
        found["accept"] = chosen if accepted else None
    if "label" in value:
        found["label"] = found.get("label") if accepted else None
    if "spans" in value or "spans" in wanted.spans:
        found["spans"] = spans_of({"spans": [], **value}, "spans") if accepted else None
    return found
