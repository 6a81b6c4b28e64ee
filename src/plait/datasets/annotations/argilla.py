"""Argilla's records as JSON, nested (`to_json`) or flat (`to_list(flatten=True)`, data sets)."""

from collections.abc import Iterator, Mapping
from typing import Any

from plait.datasets.annotations.shapes import (
    MismatchError,
    Wanted,
    agreed,
    need,
    objects,
    plain,
    triple,
)

_RESPONSES, _SUGGESTION, _STATUS = ".responses", ".suggestion", ".responses.status"


def matches(value: Mapping[str, Any]) -> bool:
    """Whether a record has fields beside responses or suggestions, nested or as flat columns."""
    if isinstance(value.get("fields"), dict):
        return "responses" in value or "suggestions" in value
    return any(key.endswith((_RESPONSES, _SUGGESTION)) for key in value)


def convert(value: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Columns of a record: its fields, metadata, and the agreed answer to each question."""
    flat = not isinstance(value.get("fields"), dict)
    given = dict(_flat(value) if flat else _nested(value))
    found = plain(value) if flat else {**_outside(value), **plain(value["fields"])}
    for name, (responses, suggestion) in given.items():
        if wanted.asks(name):
            answers = responses or ([suggestion] if wanted.suggestions else [])
            plainly = [_answer(each, name) for each in answers]
            found[name] = agreed(plainly, name, wanted.disagreement)
    return found


def _outside(value: Mapping[str, Any]) -> dict[str, Any]:
    metadata = need(value, "metadata", dict) if value.get("metadata") else {}
    return {**plain(metadata), **plain(value)}


Given = Iterator[tuple[str, tuple[list[Any], Any]]]
"""Question, its responses that were submitted, and its suggestion."""


def _nested(value: Mapping[str, Any]) -> Given:
    responses = need(value, "responses", dict) if value.get("responses") else {}
    suggestions = need(value, "suggestions", dict) if value.get("suggestions") else {}
    for name in {**responses, **suggestions}:
        found = [
            each.get("value")
            for _, each in objects(responses, name, "responses")
            if each.get("status", "submitted") == "submitted"
        ]
        suggested = suggestions.get(name)
        yield name, (found, suggested.get("value") if isinstance(suggested, dict) else None)


def _flat(value: Mapping[str, Any]) -> Given:
    ends = (_RESPONSES, _SUGGESTION)
    names = {key.removesuffix(end): None for end in ends for key in value if key.endswith(end)}
    for name in names:
        responses = _list(value, name + _RESPONSES)
        states = _list(value, name + _STATUS) or ["submitted"] * len(responses)
        found = [
            each
            for each, state in zip(responses, states, strict=False)
            if state in (None, "submitted")
        ]
        yield name, (found, value.get(name + _SUGGESTION))


def _list(value: Mapping[str, Any], key: str) -> list[Any]:
    return [] if value.get(key) is None else list(need(value, key, list))


def _answer(answer: Any, where: str) -> Any:
    """A label, a list of labels, or a list of triples."""
    if answer is None or isinstance(answer, str):
        return answer
    if isinstance(answer, int) and not isinstance(answer, bool):  # a rating
        return str(answer)
    if isinstance(answer, list) and all(isinstance(each, str) for each in answer):
        return answer
    if isinstance(answer, list):
        return [triple(each, f"{where}[{index}]") for index, each in enumerate(answer)]
    raise MismatchError(
        where, answer, "a label, labels or spans", "Leave the question out of the data."
    )
