"""Answers as text: every row's spans come back exactly, whatever repeats or changes case."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.approaches.prompting.answers import Form
from plait.approaches.prompting.copying import Copy
from plait.approaches.prompting.trie import Search, Trie
from plait.approaches.prompting.written import Written
from plait.errors import PlaitError
from plait.segmentation import words
from plait.tasks import Row, Span, Task

END = 0
INTENT = Task("intent", "home", "classification", "intent", ("off", "on", "on_all"), "accuracy")
SLOTS = Task("slots", "home", "tagging", "slots", ("area", "name"), "span_f1")
WORDS = [
    "play",
    "1500kelvin",
    "Play",
    "playing",
    "#",
    "2",
    "it's",
    "günther",
    "開",
    "。",
    "a",
    "\t2",
    "x:y",
    ";",
    "ห้อง",
    "เปิด",
    "👩‍👧",
    "أضواء",
]


def encode(text: str) -> tuple[int, ...]:
    """A token a character."""
    return tuple(ord(character) + 1 for character in text)


def decode(tokens: list[int]) -> str:
    return "".join(chr(token - 1) for token in tokens if token != END)


def form(*tasks: Task) -> Form:
    return Form(tasks, encode, END)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """Texts with repeated words, odd white space, and spans on whole words."""
    drawn = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9))
    text = "".join(word + draw(st.sampled_from([" ", "  ", "", "\n"])) for word in drawn)
    places, spans, cursor = words(text), [], 0
    while cursor < len(places) and draw(st.booleans()):
        first = draw(st.integers(cursor, len(places) - 1))
        last = draw(st.integers(first, min(first + 3, len(places) - 1)))
        label = draw(st.sampled_from(SLOTS.labels))
        spans.append(Span(places[first][0], places[last][1], label))
        cursor = last + 1
    intent = draw(st.sampled_from(INTENT.labels))
    return Row("r", text, {"intent": intent, "slots": tuple(spans)})


@given(rows(), st.permutations([INTENT, SLOTS]))
def test_what_is_written_is_read_back(row: Row, tasks: list[Task]) -> None:
    answers = form(*tasks)
    written = decode(answers.write(row.text, row.labels))
    assert answers.read(row.text, written) == (
        {"intent": row.labels["intent"], "slots": row.labels["slots"]},
        True,
    )


@given(rows())
def test_case_does_not_matter(row: Row) -> None:
    answers = form(SLOTS)
    written = decode(answers.write(row.text, row.labels))
    lines = [
        name + sep + value.upper()
        for name, sep, value in (line.partition(":") for line in written.splitlines())
    ]
    found, valid = answers.read(row.text, "\n".join(lines))
    assert valid
    assert found["slots"] == row.labels["slots"]


@given(rows())
def test_copying_allows_every_right_value_and_names_its_words(row: Row) -> None:
    """Each span's tokens, as they are learned, are a way through the copying automaton."""
    answers = form(SLOTS)
    cursor, places = 0, words(row.text)
    spans = row.labels["slots"]
    assert isinstance(spans, tuple)
    for span in spans:
        alone = answers.write(row.text[places[cursor][0] :], _shifted(span, places[cursor][0]))
        value = alone[len(span.label) + 1 : -1]
        threads = Copy(answers, Written(row.text), cursor).begin()
        for token in value:
            assert token in threads.options()
            threads = threads.take(token)
        assert threads.finished
        first, last = threads.run()
        assert (places[first][0], places[last - 1][1]) == (span.start, span.end)
        cursor = last


def _shifted(span: Span, by: int) -> dict[str, tuple[Span, ...]]:
    return {"slots": (Span(span.start - by, span.end - by, span.label),)}


@given(rows(), st.randoms(use_true_random=False))
def test_any_way_through_the_automaton_is_a_value_of_the_text(
    row: Row, chance: random.Random
) -> None:
    answers = form(SLOTS)
    places = words(row.text)
    if not places:
        return
    threads, written = Copy(answers, Written(row.text), 0).begin(), []
    while not threads.finished:
        token = chance.choice(threads.options())
        written.append(token)
        threads = threads.take(token)
    first, last = threads.run()
    found, valid = answers.read(row.text, "name:" + decode(written))
    assert valid
    assert found["slots"] == (Span(places[first][0], places[last - 1][1], "name"),)


def test_what_is_looked_at_ahead_are_choices_on_the_way() -> None:
    threads = Copy(form(SLOTS), Written("in the living room"), 0).begin()
    assert list(threads.ahead(12)) == [encode(" ")]  # beyond it lies a choice of four words
    threads = threads.take(encode(" ")[0]).take(encode("l")[0])
    assert list(threads.ahead(12)) == [encode("iving")]
    two = Copy(form(SLOTS), Written("a b"), 0).begin().take(encode(" ")[0])
    assert list(two.ahead(0)) == [()]
    assert list(two.ahead(2)) == [(), encode("a")]


@pytest.mark.parametrize(
    ("answer", "label", "spans"),
    [
        ("on", "on", 0),
        ("dance", None, 0),
        ("", None, 0),
        ("on\nname: lamp", "on", 1),
        ("on\nname: sofa", "on", 0),
        ("on\ncolour: lamp", "on", 0),
        ("on\nlamp", "on", 0),
        ("on\nname: lamp\t2", "on", 0),
        ("on\nname:", "on", 0),
    ],
)
def test_invalid_answers_are_left_out_and_counted(
    answer: str, label: str | None, spans: int
) -> None:
    found, valid = form(INTENT, SLOTS).read("the lamp", answer)
    assert found["intent"] == label
    assert len(found["slots"] or ()) == spans
    assert valid == (answer in ("on", "on\nname: lamp"))


def test_case_and_white_space_of_labels_and_types_do_not_count() -> None:
    """A model writes freely; the tokens of some vocabularies bring white space with them."""
    found, valid = form(INTENT, SLOTS).read("the lamp", " On \n NAME :  lamp \n")
    assert (found["intent"], found["slots"]) == ("on", (Span(4, 8, "name"),))
    assert valid
    alike = Task("t", "d", "classification", "f", ("On", "on"), "accuracy")
    assert form(alike).read("x", "on") == ({"t": "on"}, True)
    assert form(alike).read("x", "ON") == ({"t": None}, False)
    colons = Task("s", "d", "tagging", "s", ("a", "a:b"), "span_f1")
    assert form(colons).read("b c", "a:b: c")[0] == {"s": (Span(2, 3, "a:b"),)}


def test_labels_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(PlaitError, match="no answer to choose from"):
        Trie({})
    with pytest.raises(PlaitError, match="'a' and 'b' have the same tokens"):
        Trie({"a": (1, 2), "b": (1, 2)})
    with pytest.raises(PlaitError, match="tokens of 'a' begin those of 'b'"):
        Trie({"a": (1,), "b": (1, 2)})
    same = Task("t", "d", "classification", "f", ("a", "b"), "accuracy")
    with pytest.raises(PlaitError, match=r"tasks\.t: 'a' and 'b' have the same tokens"):
        Form((same,), lambda text: (7, text == "\n"), END).trie(same)
    broken = Task("t", "d", "classification", "f", ("a\nb", "c"), "accuracy")
    with pytest.raises(PlaitError, match=r"label 'a\\nb' cannot be written"):
        form(broken)


def test_a_tokenizer_without_line_breaks_cannot_write_answers() -> None:
    with pytest.raises(PlaitError, match="no tokens of its own for a line break and a tab"):
        Form((SLOTS,), lambda text: encode(" ".join(text.split())), END)
    with pytest.raises(PlaitError, match="no tokens of its own for a line break and a tab"):
        Form((SLOTS,), lambda text: encode(text.replace("\t", "\n")), END)


def test_labels_that_begin_one_another_are_told_apart_by_their_end() -> None:
    trie = form(INTENT).trie(INTENT)
    assert set(trie.answers) == set(INTENT.labels)


@given(st.randoms(use_true_random=False), st.sampled_from([0.0, 0.01, 0.2, 1.0]), st.integers(0, 9))
def test_search_finds_the_winner_whatever_the_tolerance(
    chance: random.Random, tolerance: float, room: int
) -> None:
    answers = {
        str(i): (*(chance.randrange(3) for _ in range(chance.randrange(4))), 9, i) for i in range(8)
    }
    trie = Trie(answers)
    model = {path: 0.01 + chance.random() for tokens in answers.values() for path in _paths(tokens)}
    exact = {name: _probability(trie, tokens, model) for name, tokens in answers.items()}
    search = Search(trie, tolerance)
    while wanted := search.wanted():
        for path in search.looked_at(wanted, room):
            search.expand(path, _shares(trie, path, model))
    found = search.probabilities()
    best = max(exact.values())
    assert exact[search.best()] == pytest.approx(best)
    assert found[search.best()] == pytest.approx(best)
    assert sum(found.values()) == pytest.approx(1)
    off = sum(abs(found[name] - exact[name]) for name in answers)
    assert off <= 2 * tolerance + 1e-9


def test_branchings_within_reach_are_looked_at_in_the_same_pass() -> None:
    """Both choices after (1,) fit; after () they would be too many tokens."""
    answers = {"a": (1, 2, 9), "b": (1, 2, 8), "c": (1, 3, 9), "d": (1, 3, 8)}
    long = {name: (5, 6, 7, 8, *tokens) for name, tokens in answers.items()}
    far = {f"{i} {name}": (i, *tokens) for i in range(2) for name, tokens in long.items()}
    near = Search(Trie(answers))
    assert near.looked_at(near.wanted(), 2) == [(1,), (1, 2), (1, 3)]
    distant = Search(Trie(far))
    assert distant.looked_at(distant.wanted(), 8) == [()]


def _paths(tokens: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [tokens[:end] for end in range(1, len(tokens) + 1)]


def _shares(trie: Trie, path: tuple[int, ...], model: dict[tuple[int, ...], float]) -> list[float]:
    weights = [model[(*path, token)] for token in trie.choices(path)]
    return [weight / sum(weights) for weight in weights]


def _probability(trie: Trie, tokens: tuple[int, ...], model: dict[tuple[int, ...], float]) -> float:
    """By multiplying along the answer's own path, one branching after the other."""
    product = 1.0
    for end, token in enumerate(tokens):
        choices = trie.choices(tokens[:end])
        product *= _shares(trie, tokens[:end], model)[choices.index(token)]
    return product
