"""Labels and spans as people and their tools write them."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.datasets.offsets import READINGS, Reading
from plait.datasets.table import Table
from plait.datasets.values import Cell
from plait.errors import PlaitError
from plait.segmentation import words
from plait.tasks import Span


def table(**settings: Any) -> Table:
    fields = {"labels": {"topic": "label"}, "spans": {"slots": "who"}}
    return Table.model_validate({"files": [{"path": "rows.jsonl"}], **fields, **settings})


def label(found: Any, **settings: Any) -> str | None:
    cell = Cell({"label": found}, "label", "rows.jsonl, line 3")
    return table(**settings).read_label(cell, "topic")


def spans(text: str, found: Any, **settings: Any) -> tuple[Span, ...] | None:
    cell = Cell({"who": found}, "who", "rows.jsonl, line 3")
    return table(**settings).read_spans(cell, "slots", text)


@pytest.mark.parametrize("blank", [None, "", " ", "\u00a0\t", "\u200b", "\ufeff"])
def test_a_blank_label_is_no_label(blank: str | None) -> None:
    assert label(blank) is None
    assert label(blank, normalise_labels=True) is None


def test_labels_are_mapped_then_normalised() -> None:
    mapped = {"topic": {"Billing ": "billing", "nan": None, "0": "no"}}
    found = ["Billing ", "nan", " Billing", 0, "0.0", "other"]
    assert [label(each) for each in found] == ["Billing ", "nan", " Billing", "0", "0.0", "other"]
    assert [label(each, label_map=mapped) for each in found] == [
        *("billing", None, " Billing", "no", "0.0", "other")
    ]
    both = {"label_map": mapped, "normalise_labels": True}
    assert [label(each, **both) for each in found] == [
        *("billing", None, "billing", "no", "no", "other")
    ]


def test_span_types_are_mapped_and_normalised() -> None:
    found = [[0, 4, "PER "], [5, 9, "x"], [10, 14, "per"]]
    read = spans("anna bert carl", found, normalise_labels=True, label_map={"slots": {"x": None}})
    assert read == (Span(0, 4, "per"), Span(10, 14, "per"))


def test_a_map_names_fields_and_labels() -> None:
    with pytest.raises(ValidationError, match="`label_map` names 'tpic', expected a field: topic"):
        table(label_map={"tpic": {"a": "b"}})
    with pytest.raises(ValidationError, match="label_map"):
        table(label_map={"topic": {"a": " "}})


@pytest.mark.parametrize("bad", ["news\ud800", "\udfff"])
def test_half_a_surrogate_pair_is_no_label_and_no_type(bad: str) -> None:
    said = "rows.jsonl, line 3: column '{}': holds half of a surrogate pair at character"
    with pytest.raises(PlaitError, match=said.format("label")):
        label(bad)
    with pytest.raises(PlaitError, match=said.format("who")):
        spans("anna", [[0, 4, bad]])


@pytest.mark.parametrize("blank", ["", " ", "\u200b"])
def test_a_span_needs_a_type(blank: str) -> None:
    with pytest.raises(PlaitError, match=r"span \[0, 4, .*\] has no type. Name its type, or rem"):
        spans("anna", [[0, 4, blank]])


EMOJI = "so 😀 call Ann now"
"""Ann: characters 10 to 13, UTF-16 units 11 to 14, bytes 13 to 16."""


@pytest.mark.parametrize(
    ("place", "settings"),
    [
        ((10, 13), {}),
        ((11, 14), {"offsets": "utf16"}),
        ((13, 16), {"offsets": "bytes"}),
        ((10, 12), {"offsets": "inclusive"}),
        ((11, 14), {"offsets_from": 1}),
        ((11, 13), {"offsets": "inclusive", "offsets_from": 1}),
        ((12, 15), {"offsets": "utf16", "offsets_from": 1}),
        ((9, 14), {"trim_spans": True}),
    ],
)
def test_offsets_count_what_the_setting_says(
    place: tuple[int, int], settings: dict[str, Any]
) -> None:
    assert spans(EMOJI, [[*place, "who"]], **settings) == (Span(10, 13, "who"),)


@given(st.text(max_size=30), st.data())
def test_any_reading_gives_the_same_characters(text: str, data: st.DataObject) -> None:
    """Every span, written in each of the units, is read as the same characters."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    sizes: dict[str, Callable[[str], int]] = {
        "utf16": lambda part: len(part.encode("utf-16-le", "surrogatepass")) // 2,
        "bytes": lambda part: len(part.encode("utf-8", "surrogatepass")),
    }
    for reading in READINGS:
        size = sizes.get(reading.unit, len)
        first = size(text[:start]) + reading.first
        last = size(text[:end]) + reading.first - (reading.unit == "inclusive")
        assert reading.place(text, first, last) == (start, end)


@pytest.mark.parametrize(
    ("text", "place", "settings", "message"),
    [
        (EMOJI, (15, 18), {}, r"ends after the text of 17 characters\. The spans of this row fit"),
        (EMOJI, (15, 18), {}, r"words by `offsets: utf16`.*: set that for the dataset"),
        ("turn it on", (9, 11), {}, r"`offsets: characters, offsets_from: 1`"),
        ("ab c", (3, 3), {}, r"is empty: it begins and ends at 3\. The .* by `offsets: inclusive`"),
        (EMOJI, (4, 7), {"offsets": "utf16"}, r"\[4, 7, 'who'\] begins or ends inside a charac"),
        (EMOJI, (4, 7), {"offsets": "utf16"}, r"by `offsets: utf16`\. Correct the offsets\."),
        ("hi", (0, 9), {"offsets": "bytes"}, r"ends after the text of 2 characters\."),
        ("café", (0, 9), {"offsets": "bytes"}, r"outside the text, by `offsets: bytes`"),
    ],
)
def test_faulty_offsets_say_how_they_may_have_been_counted(
    text: str, place: tuple[int, int], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(PlaitError, match=f"rows.jsonl, line 3: column 'who': .*{message}"):
        spans(text, [[*place, "who"]], **settings)


@given(st.text(max_size=20), st.data())
def test_trimmed_spans_hold_whole_words_and_no_blank_ends(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, max(0, len(text) - 1)))
    end = data.draw(st.integers(start, len(text)))
    places = words(text[start:end])
    if places:
        (found,) = spans(text, [[start, end, "x"]], trim_spans=True) or ()
        cut = words(text[found.start : found.end])
        assert (cut[0][0], cut[-1][1]) == (0, found.end - found.start)
        assert start <= found.start < found.end <= end


def test_readings_are_named_as_settings() -> None:
    assert Reading("inclusive", 1).setting == "offsets: inclusive, offsets_from: 1"
