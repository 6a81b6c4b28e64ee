"""IOB2 read strictly, held against seqeval."""

import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.scheme import IOB2, Entities

from iob2 import TokenSpan, spans_from_tags, tags_from_spans

TAGS = ["O", "B-a", "I-a", "B-b", "I-b", "B-c", "I-c"]


def by_seqeval(tags: list[str]) -> list[TokenSpan]:
    found = Entities([tags], IOB2).entities[0]
    return [(entity.start, entity.end, entity.tag) for entity in found]


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("", []),
        ("O O", []),
        ("B-a I-a", [(0, 2, "a")]),
        ("B-a O", [(0, 1, "a")]),
        ("B-a B-a", [(0, 1, "a"), (1, 2, "a")]),
        ("I-a I-a O", []),
        ("O I-a B-a", [(2, 3, "a")]),
        ("B-a I-b I-a", [(0, 1, "a")]),
        ("B-a I-a I-b B-b I-b", [(0, 2, "a"), (3, 5, "b")]),
    ],
)
def test_hand_worked_sequences(tags: str, spans: list[TokenSpan]) -> None:
    assert spans_from_tags(tags.split()) == spans
    if tags:
        assert by_seqeval(tags.split()) == spans


def test_equal_to_seqeval_on_every_sequence_of_up_to_four_tags() -> None:
    for length in range(1, 5):
        for tags in map(list, product(TAGS, repeat=length)):
            assert spans_from_tags(tags) == by_seqeval(tags), tags


def test_equal_to_seqeval_on_thousands_of_random_sequences() -> None:
    draw = random.Random(0)
    malformed = 0
    for _ in range(5000):
        tags = draw.choices(TAGS, k=draw.randint(1, 12))
        spans = spans_from_tags(tags)
        assert spans == by_seqeval(tags)
        malformed += tags_from_spans(spans, len(tags)) != tags
    assert malformed > 3000


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from("ab"))))
def test_spans_survive_the_way_through_tags(parts: list[tuple[int, int, str]]) -> None:
    spans, at = [], 0
    for gap, width, label in parts:
        spans.append((at + gap, at + gap + width, label))
        at += gap + width
    assert spans_from_tags(tags_from_spans(spans, at + 1)) == spans


@pytest.mark.parametrize("spans", [[(0, 0, "a")], [(2, 4, "a")], [(0, 2, "a"), (1, 3, "b")]])
def test_impossible_spans_are_refused(spans: list[TokenSpan]) -> None:
    with pytest.raises(ValueError, match=r"span \("):
        tags_from_spans(spans, 3)
