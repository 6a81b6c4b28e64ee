"""Rows of Hugging Face data sets: `tokens` beside tags, which are names or numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from plait.datasets.annotations import tokens
from plait.datasets.annotations.shapes import MismatchError, Wanted, need, plain

TOKENS = ("tokens", "words")
_SPACES = ("whitespace", "ws", "space_after")


def matches(value: Mapping[str, Any]) -> bool:
    """Whether a record has a list of tokens, and a list of as many tags."""
    name = _tokens(value)
    return name is not None and any(
        isinstance(each, list) and len(each) == len(value[name])
        for key, each in value.items()
        if key not in (name, *_SPACES)
    )


def _tokens(value: Mapping[str, Any]) -> str | None:
    return next((name for name in TOKENS if isinstance(value.get(name), list)), None)


def convert(value: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Columns of a record: the text of its tokens, the spans of each list of tags, its labels."""
    name = _tokens(value) or TOKENS[0]
    words = need(value, name, list)
    if not all(isinstance(word, str) for word in words):
        raise MismatchError(name, words, "a list of strings", "Write each token as a string.")
    spaces = next((value[key] for key in _SPACES if isinstance(value.get(key), list)), None)
    text, places = tokens.join(words, wanted.join, spaces)
    found = {key: _label(each, key, wanted.classes) for key, each in plain(value).items()}
    found[wanted.text] = text
    for key, each in value.items():
        if isinstance(each, list) and key != name and _asked(key, each, len(words), wanted):
            tags = [_tag(tag, f"{key}[{i}]", key, wanted.classes) for i, tag in enumerate(each)]
            found[key] = tokens.spans(tags, places, key)
    return found


def _asked(key: str, value: Sequence[Any], length: int, wanted: Wanted) -> bool:
    """Tags that are asked for; or else all lists that can be tags."""
    if wanted.names:
        return key in wanted.names
    if key in _SPACES or len(value) != length:
        return False
    return key in wanted.classes or all(isinstance(tag, str) for tag in value)


def _label(found: Any, key: str, classes: Mapping[str, Sequence[str]]) -> Any:
    """The name of a class that stands as a number; anything else as it is."""
    if key in classes and isinstance(found, str) and found.isdecimal():
        return _named(int(found), key, key, classes[key])
    return found


def _tag(found: Any, where: str, key: str, classes: Mapping[str, Sequence[str]]) -> str:
    if isinstance(found, int) and not isinstance(found, bool):
        return _named(found, where, key, classes.get(key, ()))
    if isinstance(found, str):
        return found
    raise MismatchError(where, found, "a tag: a name or a number", "Correct the record.")


def _named(number: int, where: str, key: str, names: Sequence[str]) -> str:
    if 0 <= number < len(names):
        return names[number]
    expected = f"one of the {len(names)} numbers that `names` has names for"
    remedy = f"Set `names: {{{key}: [O, …]}}`: the names of the features, in their order."
    raise MismatchError(where, number, expected, remedy)
