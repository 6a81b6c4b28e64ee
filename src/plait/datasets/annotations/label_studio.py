"""Label Studio's JSON (tasks with annotations) and JSON-MIN (one flat record an annotation)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from plait.datasets.annotations.shapes import (
    MismatchError,
    Wanted,
    agreed,
    need,
    objects,
    plain,
    shown,
)
from plait.datasets.offsets import Reading
from plait.datasets.table_files import Records

_LISTS = ("annotations", "completions", "predictions")
_KINDS = ("choices", "taxonomy", "labels", "hypertextlabels")
_MINIMAL = ("annotation_id", "annotator", "lead_time")
_UTF16 = Reading("utf16")
_Text = tuple[Any, bool]
"""A text, and whether offsets count its UTF-16 units."""
_REVIEW = "Correct the region in Label Studio, or remove the task."


def matches(value: Mapping[str, Any]) -> bool:
    """Whether a record is a task with its data and annotations."""
    return isinstance(value.get("data"), dict) and any(name in value for name in _LISTS)


def matches_minimal(value: Mapping[str, Any]) -> bool:
    """Whether a record has what JSON-MIN adds to each annotation."""
    return sum(name in value for name in _MINIMAL) > 1


def convert(value: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Columns of a task: its data, and what its annotations say for each control.

    Only the annotation marked as ground truth counts, if there is one; cancelled ones never do.
    """
    data = need(value, "data", dict)
    found = {**plain({"id": value.get("id")}), **plain(data)}
    answers: dict[str, list[Any]] = defaultdict(list)
    for where, annotation in _annotations(value, wanted):
        for name, answer in _by_control(annotation, where, found.get(wanted.text), wanted).items():
            answers[name].append(answer)
    return found | _agreed(answers, wanted)


def _agreed(answers: Mapping[str, Sequence[Any]], wanted: Wanted) -> dict[str, Any]:
    return {
        name: agreed(each, name, wanted.disagreement)
        for name, each in answers.items()
        if wanted.asks(name)
    }


def _annotations(value: Mapping[str, Any], wanted: Wanted) -> list[tuple[str, dict[str, Any]]]:
    given = [*objects(value, "annotations"), *objects(value, "completions")]
    valid = [each for each in given if not each[1].get("was_cancelled")]
    truth = [each for each in valid if each[1].get("ground_truth")]
    if not valid and wanted.suggestions:
        return list(objects(value, "predictions"))[-1:]
    return truth[:1] or valid


def _by_control(
    annotation: Mapping[str, Any], where: str, text: Any, wanted: Wanted
) -> dict[str, list[Any]]:
    """Control (`from_name`) → its labels or its spans."""
    found: dict[str, list[Any]] = defaultdict(list, {name: [] for name in wanted.spans})
    regions = [each for each in objects(annotation, "result", where) if _is_region(each[1])]
    cut = text, wanted.utf16
    for place, region in regions:
        name = need(region, "from_name", str, place)
        found[name] += _region(region["value"], region["type"], f"{place}.value", cut)
    return found


def _is_region(region: Mapping[str, Any]) -> bool:
    return isinstance(region.get("type"), str) and isinstance(region.get("value"), dict)


def _region(value: Mapping[str, Any], kind: str, where: str, text: _Text) -> list[Any]:
    """The labels or the spans of a region; none for what is neither (ratings, relations, …)."""
    if kind == "choices":
        return _strings(value, "choices", where)
    if kind == "taxonomy":
        paths = need(value, "taxonomy", list, where)
        return [" / ".join(map(str, path)) for path in paths]
    if kind in ("labels", "hypertextlabels"):
        span = _place(value, where, *text)
        return [[*span, label] for label in _strings(value, kind, where)]
    return []


def _strings(value: Mapping[str, Any], key: str, where: str) -> list[str]:
    found: list[str] = need(value, key, list, where)
    if not all(isinstance(each, str) for each in found):
        raise MismatchError(f"{where}.{key}", found, "a list of strings", _REVIEW)
    return found


def _place(region: Mapping[str, Any], where: str, text: Any, utf16: bool) -> tuple[int, int]:
    """Start and end of a region in characters.

    Raises:
        MismatchError: it cuts something else than it says, or its place is a path into HTML.
    """
    if isinstance(region.get("start"), str):
        remedy = "Regions of HTML and dialogues have no offsets; annotate the plain text."
        raise MismatchError(f"{where}.start", region["start"], "a whole number", remedy)
    start, end = need(region, "start", int, where), need(region, "end", int, where)
    if not _tells(region, text):
        return start, end
    place = _UTF16.place(text, start, end) if utf16 else (start, end)
    if place and _cuts(text, place, region["text"]):
        return place
    expected = f"the place of {shown(region['text'])} in the text"
    raise MismatchError(where, [start, end, text[start:end]], expected, _REVIEW)


def in_utf16(records: Records, text: str) -> bool:
    """Whether the offsets of a file count UTF-16 units, as releases before 2022 do.

    Some region then cuts what it says in UTF-16 units only; others may fit both.
    """
    return any(
        not _cuts(given, (region["start"], region["end"]), region["text"])
        and (place := _UTF16.place(given, region["start"], region["end"])) is not None
        and _cuts(given, place, region["text"])
        for _, value in records
        for given, region in _told(value, text)
    )


def _told(value: Mapping[str, Any], text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Text and region of each region of a record that says what it cuts."""
    data = value.get("data", value)
    given = data.get(text) if isinstance(data, dict) else None
    for region in _all_regions(value):
        if isinstance(given, str) and _tells(region, given):
            yield given, region


def _all_regions(value: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What stands where regions do: in JSON-MIN in any list, in JSON in lists of annotations."""
    annotations = (each for name in _LISTS for each in _objects(value.get(name)))
    for each in [value, *annotations]:
        for found in each.values():
            items = (item.get("value", item) for item in _objects(found))
            yield from (item for item in items if isinstance(item, dict))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in a list; none of what is no list."""
    return (each for each in (value if isinstance(value, list) else ()) if isinstance(each, dict))


def _tells(region: Mapping[str, Any], text: Any) -> bool:
    offsets = isinstance(region.get("start"), int) and isinstance(region.get("end"), int)
    return offsets and isinstance(region.get("text"), str) and isinstance(text, str)


def _cuts(text: str, place: tuple[int, int], said: str) -> bool:
    return 0 <= place[0] <= place[1] <= len(text) and _same(text[slice(*place)], said)


def _same(cut: str, said: str) -> bool:
    """Whether two texts are equal; releases differ in how they write line ends."""
    return cut == said or cut.replace("\r\n", "\n") == said.replace("\\n", "\n").replace(
        "\r\n", "\n"
    )


def grouped(records: Records) -> Records:
    """The records of JSON-MIN, those of one task as one, under the key `annotations`."""
    for _, group in groupby(records, key=lambda record: record[1].get("id", record[0])):
        same = list(group)
        yield same[0][0], {**same[0][1], "annotations": [value for _, value in same]}


def controls(records: Records) -> frozenset[str]:
    """The keys of JSON-MIN's records that hold answers: in some record more than metadata."""
    held = {n for _, value in records for n, each in value.items() if isinstance(each, list | dict)}
    return frozenset(held - {"agreement", "annotations"})


def convert_minimal(value: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Columns of a task: its data, and the agreed answer of its annotations.

    Answers are lists, also where most are a single choice, which the export writes as a string.
    """
    found = plain(value)
    answers: dict[str, list[Any]] = defaultdict(list)
    for where, annotation in objects(value, "annotations"):
        for name, answer in [*_unmarked(annotation, wanted), *annotation.items()]:
            if name in wanted.names:
                text = found.get(wanted.text), wanted.utf16
                answers[name].append(_minimal(answer, f"{where}.{name}", text))
    return found | _agreed(answers, wanted)


def _unmarked(annotation: Mapping[str, Any], wanted: Wanted) -> Iterator[tuple[str, list[Any]]]:
    """No regions for each control that could have some."""
    return ((name, []) for name in wanted.spans if name not in annotation)


def _minimal(answer: Any, where: str, text: _Text) -> Any:
    """One choice is a string, several an object or a list; regions are a list."""
    if answer is None:
        return None
    if isinstance(answer, str):
        return [answer]
    if isinstance(answer, list) and all(isinstance(each, str) for each in answer):
        return answer
    found: list[Any] = []
    listed = {where: answer if isinstance(answer, list) else [answer]}
    regions = list(objects(listed, where))
    for place, value in regions:
        for kind in _KINDS:
            if kind in value:
                found += _region(value, kind, place, text)
    return found
