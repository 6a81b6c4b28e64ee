"""Windows: what is cut where, and how the answers to slices become one."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import small
from plait.approaches.linear import Linear
from plait.approaches.reading.windows import Answers, in_windows, training_rows, windows
from plait.segmentation import Place, words
from plait.tasks import LabelPrediction, Prediction, Row, SetPrediction, Span, Task

TOPIC = Task("topic", "d", "classification", "topic", ("a", "b"), "accuracy")
NAMES = Task("names", "d", "tagging", "names", ("x", "y"), "span_f1")
Tokenise = Callable[[str], list[Place]]


def word_pieces(text: str, length: int = 3) -> list[Place]:
    """Tokens of at most `length` characters; white space has none."""
    return [
        (start, min(start + length, word.end()))
        for word in re.finditer(r"\w+|[^\w\s]", text)
        for start in range(word.start(), word.end(), length)
    ]


def byte_tokens(text: str) -> list[Place]:
    """A token a byte, blanks too: several stand for one character."""
    return [(i, i + 1) for i, character in enumerate(text) for _ in character.encode()]


def cost(offsets: Sequence[Place], place: Place) -> int:
    return sum(start < place[1] and end > place[0] for start, end in offsets)


TEXTS = st.text(st.sampled_from("ab1.  \n東é👩‍\u200d👧\u0301"), max_size=120)


@given(TEXTS, st.integers(4, 20), st.sampled_from([word_pieces, byte_tokens]))
def test_windows_cover_the_text_and_fit(text: str, size: int, tokenise: Tokenise) -> None:
    offsets = tokenise(text)
    found = windows(text, offsets, size)
    assert {i for start, end in found for i in range(start, end)} == set(range(len(text)))
    assert found == sorted(found)
    assert [end for _, end in found] == sorted({end for _, end in found})
    assert max(cost(offsets, place) for place in found) <= size
    assert (len(found) == 1) == (found == [(0, len(text))])
    if len(offsets) <= size:
        assert found == [(0, len(text))]
    assert windows(text, offsets, size) == found


@given(TEXTS, st.integers(4, 20), st.sampled_from([word_pieces, byte_tokens]), st.data())
def test_a_span_of_half_a_window_lies_within_one(
    text: str, size: int, tokenise: Tokenise, data: st.DataObject
) -> None:
    offsets = tokenise(text)
    found = windows(text, offsets, size)
    places = words(text)
    for first in range(len(places)):
        for last in range(first, min(first + size, len(places))):
            span = places[first][0], places[last][1]
            if cost(offsets, span) <= size // 2:
                assert any(start <= span[0] and span[1] <= end for start, end in found)


def test_windows_begin_and_end_with_words_and_overlap_by_half() -> None:
    text = "one two six ten won too sic tan"
    assert [text[a:b] for a, b in windows(text, word_pieces(text), 4)] == [
        "one two six ten",
        "six ten won too",
        "won too sic tan",
    ]


def test_a_long_last_word_is_read_whole_in_the_next_window() -> None:
    text = "one two threefourfive six ten"
    assert [text[a:b] for a, b in windows(text, word_pieces(text), 7)] == [
        "one two threefourfive",
        "threefourfive six ten",
    ]


def test_a_token_of_no_characters_counts() -> None:
    text = "one two six"
    assert windows(text, [(0, 0), *word_pieces(text)], 3) == [(0, 7), (4, 11)]


def test_a_word_longer_than_a_window_is_cut_between_clusters() -> None:
    text = "e\u0301" * 10
    found = windows(text, [(i, i + 1) for i in range(len(text))], 5)
    assert found[:3] == [(0, 4), (2, 6), (4, 8)]
    assert found[-1][1] == len(text)
    assert all(start % 2 == end % 2 == 0 for start, end in found)


def test_a_cluster_longer_than_a_window_is_cut_between_characters() -> None:
    text = "z" + "\u0301" * 9
    found = windows(text, [(i, i + 1) for i in range(10)], 4)
    assert found == [(0, 4), (2, 6), (4, 8), (6, 10)]


def test_ten_thousand_words_are_cut_at_once() -> None:
    text = "word " * 10_000
    found = windows(text, word_pieces(text), 30)
    assert len(found) == pytest.approx(10_000 * 2 / 15, rel=0.15)


def answers(
    found: dict[str, tuple[float, tuple[Span, ...]]], asked: list[list[str]]
) -> Callable[[Sequence[str]], Answers]:
    """A `predict` that knows the answer to each slice: the probability of a, and spans."""

    def predict(texts: Sequence[str]) -> Answers:
        asked.append(list(texts))
        return {
            "topic": [
                LabelPrediction("a" if p > 0.5 else "b", {"a": p, "b": 1 - p})
                for p, _ in map(found.__getitem__, texts)
            ],
            "names": [found[text][1] for text in texts],
        }

    return predict


LONG = "abcdefghij"
SLICES = {"short": [(0, 5)], LONG: [(0, 6), (3, 10)]}
FOUND = {
    "short": (0.7, (Span(3, 5, "y", 0.5), Span(0, 1, "x", 0.4))),
    "abcdef": (0.9, (Span(1, 2, "x", 0.8), Span(4, 6, "x", 0.6), Span(5, 6, "y", 0.9))),
    "defghij": (0.1, (Span(1, 2, "y", 0.9), Span(2, 5, "y", 0.7), Span(5, 7, "x", 0.3))),
}


def joined(classify: bool) -> tuple[Answers, list[list[str]]]:
    asked: list[list[str]] = []
    predict = answers(FOUND, asked)
    split = SLICES.__getitem__
    return in_windows(["short", LONG], [TOPIC, NAMES], split, predict, classify), asked


def test_all_slices_are_answered_in_one_call() -> None:
    assert joined(classify=False)[1] == [["short", "abcdef", "defghij"]]


def test_a_span_belongs_to_the_window_whose_middle_is_nearer_to_its_start() -> None:
    # Middles are 3 and 6.5: of the shared characters, d (3) and e (4) are the first window's,
    # f (5) the second's. The first's span (5, 6) and the second's (4, 5) go.
    # (4, 6) and (5, 8) overlap: the likelier stays.
    found = joined(classify=False)[0]["names"][1]
    assert found == (Span(1, 2, "x"), Span(5, 8, "y"), Span(8, 10, "x"))
    assert [span.probability for span in found] == [0.8, 0.7, 0.3]


def test_a_text_of_one_window_is_answered_as_it_is() -> None:
    found = joined(classify=True)[0]
    assert found["names"][0] is FOUND["short"][1]
    assert found["topic"][0] == LabelPrediction("a", {"a": 0.7, "b": 1 - 0.7})


def test_classification_is_the_mean_over_the_windows_characters() -> None:
    choice = joined(classify=True)[0]["topic"][1]
    assert isinstance(choice, LabelPrediction)
    assert choice.label == "b"
    assert choice.probabilities["a"] == pytest.approx((6 * 0.9 + 7 * 0.1) / 13)
    assert sum(choice.probabilities.values()) == pytest.approx(1)
    assert joined(classify=False)[0]["topic"][1] == LabelPrediction("a", {"a": 0.9, "b": 1 - 0.9})


ABOUT = Task("about", "d", "multilabel", "about", ("p", "q", "r"), "micro_f1")


@pytest.mark.parametrize("classify", [False, True])
def test_a_label_of_several_applies_where_it_does_for_half_of_the_characters(
    classify: bool,
) -> None:
    first = SetPrediction(("p", "q"), {"p": 0.9, "q": 0.8, "r": 0.1})
    second = SetPrediction(("q", "r"), {"q": 0.7, "r": 0.6})

    def predict(texts: Sequence[str]) -> Answers:
        found: list[Prediction] = [first, second]
        assert texts == ["abcdef", "defghij"]
        return {"about": found}

    (found,) = in_windows([LONG], [ABOUT], SLICES.__getitem__, predict, classify)["about"]
    if not classify:
        assert found is first
        return
    assert isinstance(found, SetPrediction)
    assert found.labels == ("q", "r")  # p has 6 of 13 characters, r has 7
    wanted = {"p": 0.9, "q": (6 * 0.8 + 7 * 0.7) / 13, "r": (6 * 0.1 + 7 * 0.6) / 13}
    assert found.probabilities == pytest.approx(wanted)


@pytest.mark.parametrize("names", [("p", "q"), ()])
def test_later_slices_have_no_labels_to_learn_rather_than_none_that_apply(
    names: tuple[str, ...],
) -> None:
    row = Row("r", LONG, {"about": names, "names": ()})
    first, second = training_rows(row, SLICES[LONG], [ABOUT, NAMES], classify=False)
    assert first.labels == {"about": names, "names": ()}
    assert second.labels == {"about": None, "names": ()}
    both = training_rows(row, SLICES[LONG], [ABOUT, NAMES], classify=True)
    assert [part.labels["about"] for part in both] == [names, names]


def test_a_real_model_finds_in_a_long_text_what_it_finds_in_its_sentences(tmp_path: Path) -> None:
    rows = {"home": small.rows(0, 2)}
    made = small.candidate("both", [small.INTENT, small.SLOTS])
    model = Linear.train(made, tmp_path, rows, rows, tmp_path)
    sentences = [row.text for row in small.rows(3, 4)]
    text = " . ".join(sentences)
    expected, offset = set(), 0
    for sentence, spans in zip(sentences, model.predict(sentences)["slots"], strict=True):
        expected |= {(s.start + offset, s.end + offset, s.label) for s in spans}
        offset += len(sentence) + 3

    def split(text: str) -> list[Place]:
        return windows(text, word_pieces(text), 60)

    found = in_windows([*sentences, text], model.tasks, split, model.predict, classify=True)
    assert len(split(text)) > 5
    assert {(s.start, s.end, s.label) for s in found["slots"][-1]} == expected
    alone = model.predict(sentences)
    assert {name: each[:-1] for name, each in found.items()} == alone
    assert in_windows(sentences, model.tasks, split, model.predict, classify=True) == alone


def test_slices_of_a_row_have_the_spans_that_lie_within_them() -> None:
    spans = (Span(1, 3, "x"), Span(2, 7, "y"), Span(4, 6, "x"), Span(8, 10, "y"))
    row = Row("r", LONG, {"names": spans, "topic": "a", "other": None})
    first, second = training_rows(row, SLICES[LONG], [TOPIC, NAMES], classify=False)
    assert (first.text, second.text) == ("abcdef", "defghij")
    assert first.labels == {
        "names": (Span(1, 3, "x"), Span(4, 6, "x")),
        "topic": "a",
        "other": None,
    }
    assert second.labels == {
        "names": (Span(1, 3, "x"), Span(5, 7, "y")),
        "topic": None,
        "other": None,
    }
    assert training_rows(row, SLICES[LONG], [TOPIC], classify=True)[1].labels["topic"] == "a"
    assert training_rows(row, [(0, 10)], [TOPIC], classify=False) == [row]
