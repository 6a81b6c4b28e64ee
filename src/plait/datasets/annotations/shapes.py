"""What all formats share: the settings that they need, checked JSON, and answers of annotators."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Disagreement = Literal["error", "majority", "drop"]
Join = Literal["auto", "space", "none"]
Triple = list[Any]
"""`[start, end, type]` in characters."""


class MismatchError(ValueError):
    """A record that is not as its format has it; the reader adds the file and the row."""

    def __init__(self, where: str, found: Any, expected: str, remedy: str) -> None:
        super().__init__(f"{where}: found {shown(found)}, expected {expected}. {remedy}")


@dataclass(frozen=True)
class Wanted:
    """What the settings of the dataset say about its records.

    Attributes:
        text: the name of the text.
        names: the names that `labels` and `spans` map to fields; empty: all that there are.
        spans: those of `spans`: an annotation without any has no spans, rather than no answer.
        classes: name → what its numbers mean, in their order.
        suggestions: whether a model's answer counts where no person gave one.
        utf16: whether the offsets of the file count UTF-16 units.
    """

    text: str = "text"
    names: frozenset[str] = frozenset()
    spans: frozenset[str] = frozenset()
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    disagreement: Disagreement = "error"
    suggestions: bool = False
    join: Join = "auto"
    utf16: bool = False

    def asks(self, name: str) -> bool:
        """Whether a name of the export is asked for."""
        return not self.names or name in self.names


def shown(found: Any) -> str:
    """A value as JSON, short enough for a message."""
    words = json.dumps(found, ensure_ascii=False, default=str)
    return words if len(words) <= 80 else f"{words[:77]}…"


def need(value: Mapping[str, Any], key: str, kind: type, where: str = "") -> Any:
    """The value of a key, which must be of that JSON type.

    Raises:
        MismatchError: it is missing or of another type.
    """
    found = value.get(key)
    if isinstance(found, kind) and not (kind is int and isinstance(found, bool)):
        return found
    name = f"{where}.{key}" if where else key
    expected = {str: "a string", int: "a whole number", list: "a list", dict: "an object"}[kind]
    raise MismatchError(name, found, expected, "Export the file again, or correct the record.")


def objects(value: Mapping[str, Any], key: str, where: str = "") -> Iterator[tuple[str, Any]]:
    """Name and content of each object in the list of a key; a missing or null list is empty.

    Raises:
        MismatchError: it is not a list of objects.
    """
    if value.get(key) is None:
        return
    name = f"{where}.{key}" if where else key
    for index, each in enumerate(need(value, key, list, where)):
        if not isinstance(each, dict):
            raise MismatchError(f"{name}[{index}]", each, "an object", "Export the file again.")
        yield f"{name}[{index}]", each


def triple(
    entry: Any, where: str, keys: tuple[str, str, str] = ("start", "end", "label")
) -> Triple:
    """`[start, end, type]` of a span, written as an object with these keys or as that list.

    Raises:
        MismatchError: it is neither.
    """
    if isinstance(entry, dict):
        start, end, label = keys
        return [need(entry, start, int, where), need(entry, end, int, where), entry.get(label)]
    if isinstance(entry, list) and len(entry) == 3:
        return entry
    raise MismatchError(where, entry, "[start, end, type]", "Export the file again.")


def spans_of(
    value: Mapping[str, Any], key: str, keys: tuple[str, str, str] = ("start", "end", "label")
) -> list[Triple]:
    """The spans in the list of a key."""
    found = need(value, key, list)
    return [triple(each, f"{key}[{index}]", keys) for index, each in enumerate(found)]


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """The entries that are no lists and objects, numbers as strings: metadata of a record."""
    return {
        key: str(found) if isinstance(found, int) and not isinstance(found, bool) else found
        for key, found in value.items()
        if not isinstance(found, list | dict)
    }


def agreed(answers: Iterable[Any], where: str, disagreement: Disagreement) -> Any:
    """The answer of several annotators; None if there is none, or (unless `error`) no winner.

    Raises:
        MismatchError: they differ, and the setting is `error`.
    """
    ordered = [_ordered(answer) for answer in answers if answer is not None]
    counts = Counter(map(_key, ordered)).most_common(2)
    if len(counts) > 1 and disagreement == "error":
        raise MismatchError(
            where,
            [json.loads(key) for key, _ in counts],
            "one answer of all annotators",
            "Set `disagreement: majority` (ties get no label) or `drop` (no label), or review the "
            "row in the tool.",
        )
    tied = len(counts) > 1 and (disagreement == "drop" or counts[0][1] == counts[1][1])
    return None if tied or not counts else json.loads(counts[0][0])


def _ordered(answer: Any) -> Any:
    return sorted(answer, key=_key) if isinstance(answer, list) else answer


_key: Callable[[Any], str] = json.dumps
