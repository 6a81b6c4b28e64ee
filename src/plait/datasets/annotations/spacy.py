"""spaCy's training data as JSON: a text, `entities` or `spans`, and `cats`."""

from collections.abc import Mapping
from typing import Any

from plait.datasets.annotations.shapes import MismatchError, Wanted, need, plain, spans_of

_ANSWERS = ("entities", "spans")
_CHOSEN = 0.5


def matches(value: Mapping[str, Any]) -> bool:
    """Whether a record has a text beside lists of entities or spans, or scores of categories."""
    if not isinstance(value.get("text"), str) or not isinstance(value.get("cats", {}), dict):
        return False
    return "cats" in value or any(isinstance(value.get(name), list) for name in _ANSWERS)


def convert(value: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Columns of a record: `entities`, `spans` and `cats` (those that score 0.5 or more)."""
    found = plain(value)
    for name in _ANSWERS:
        if value.get(name) is not None and wanted.asks(name):
            found[name] = spans_of(value, name)
    if value.get("cats") is not None and wanted.asks("cats"):
        found["cats"] = _categories(need(value, "cats", dict))
    return found


def _categories(scores: Mapping[str, Any]) -> list[str]:
    for name, score in scores.items():
        if not isinstance(score, int | float):
            remedy = "Write 1 or true for the categories of the text, 0 or false for the others."
            raise MismatchError(f"cats.{name}", score, "a number", remedy)
    return [name for name, score in scores.items() if score >= _CHOSEN]
