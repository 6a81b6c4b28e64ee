"""doccano's JSONL: a label list, spans as triples, or spans and relations as objects."""

from collections.abc import Mapping
from typing import Any

from plait.datasets.annotations.shapes import Wanted, plain, spans_of

_KEYS = ("start_offset", "end_offset", "label")
_ANSWERS = ("label", "labels", "entities", "cats")


def matches(value: Mapping[str, Any]) -> bool:
    """Whether a record has a text, and a list of labels or what doccano adds to entities."""
    if not isinstance(value.get("text", value.get("data")), str):
        return False
    listed = any(isinstance(value.get(name), list) for name in ("label", "labels", "cats"))
    return listed or ("entities" in value and ("relations" in value or "Comments" in value))


def convert(value: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Columns of a record: `label` (old: `labels`), `entities` and `cats`, where it has them."""
    found = plain(value)
    if "text" not in value and "data" in value:
        found["text"] = found.pop("data", None)
    for name in _ANSWERS:
        if wanted.asks(name) and value.get(name) is not None:
            found[name] = _answer(value, name)
    return found


def _answer(value: Mapping[str, Any], name: str) -> Any:
    answer = value[name]
    if isinstance(answer, list) and all(isinstance(each, str) for each in answer):
        return answer
    return spans_of(value, name, _KEYS) if not isinstance(answer, str) else answer
