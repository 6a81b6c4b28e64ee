"""Messages for mistakes of single settings: path, value found, value expected, remedy."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from plait.errors import did_you_mean
from plait.settings import Options

if TYPE_CHECKING:
    from plait.experiment.schema import Candidate

Loc = tuple[int | str, ...]

NAME_RULE = "lower-case letters, digits and . _ + -, beginning with a letter or a digit"


def readable(detail: Mapping[str, Any], known: Sequence[str]) -> str:
    """The message for one of pydantic's error details; `known` are the settings of that section."""
    path = ".".join(str(part) for part in detail["loc"] if part != "[key]")
    kind, found = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return f"{path}: unknown setting{did_you_mean(str(detail['loc'][-1]), list(known))}"
    if kind == "missing":
        return f"{path}: missing; expected a value here"
    if kind in ("value_error", "assertion_error"):
        return f"{path}: {detail['msg'].partition(', ')[2]}"
    return f"{path}: found {_short(found)}, expected {_expected(detail)}{_remedy(detail)}"


def option_mistakes(
    model: type[Options], candidate: "Candidate", kind: str | None, path: str
) -> Iterator[str]:
    """Each mistake of a candidate's options, as a line with its path.

    Args:
        model: the options of the candidate's approach.
        kind: the kind of its backbone, or None if params.yaml has no such backbone.
    """
    try:
        options = model.model_validate(candidate.options)
        yield from (f"{path}.{mistake}" for mistake in options.mistakes(candidate.tasks, kind))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            known = known_settings(model, detail["loc"])
            yield f"{path}.{readable(detail, known)}"


def _short(found: Any) -> str:
    if isinstance(found, Mapping):
        return "a section"
    words = repr(found)
    return words if len(words) <= 80 else f"{words[:77]}..."


def _expected(detail: Mapping[str, Any]) -> str:
    kind, message = detail["type"], str(detail["msg"])
    if kind == "string_pattern_mismatch" and detail["loc"][-1] in ("[key]", "name"):
        return NAME_RULE
    if kind in ("model_type", "dict_type"):
        return "a section of settings"
    if kind in ("tuple_type", "list_type"):
        return "a list, such as [a, b]"
    if kind.endswith(("too_short", "too_long")):
        return message.partition(" should have ")[2].partition(" after ")[0] + " in it"
    return re.sub(", (unable to|got a) .*", "", message.removeprefix("Input should be "))


def _remedy(detail: Mapping[str, Any]) -> str:
    if detail["type"] == "string_type" and not isinstance(detail["input"], Mapping | list):
        return ": put it in quotes"
    if detail["type"] == "literal_error" and isinstance(detail["input"], str):
        choices = detail["ctx"]["expected"].replace(" or ", ", ").split(", ")
        close = did_you_mean(detail["input"], [choice.strip("'") for choice in choices])
        return close if close.startswith("; did") else ""
    return ""


def known_settings(model: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """The settings of the section of `model` that `loc` points into."""
    models = [model]
    for part in loc[:-1]:
        fields = [m.model_fields[part] for m in models if part in m.model_fields]
        if fields:
            models = [found for field in fields for found in _models(field.annotation)]
    return [name for found in models for name in found.model_fields]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
