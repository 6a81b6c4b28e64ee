"""Answers of several labels: written, read back, and decoded within the label set in its order."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conftest import INTENT, SLOTS, home_rows
from plait.approaches.prompting.answers import Form, free_answers, letters, spelled
from plait.approaches.prompting.asking import Asking, decoder_forms
from plait.approaches.prompting.decoder import Decoder
from plait.approaches.prompting.instructions import instruction
from plait.approaches.prompting.trie import Trie
from plait.tasks import LabelPrediction, SetPrediction, Span, Task

LABELS = ("a", "a b", "b", "c: d", "é")
TOPICS = Task("topics", "home", "multilabel", "topics", LABELS, "micro_f1")
OTHERS = Task("others", "home", "multilabel", "others", ("b", "x"), "micro_f1")
ABOUT = Task("about", "home", "multilabel", "about", ("room", "turn", "turn off"), "micro_f1")
Sets = st.sets(st.sampled_from(LABELS)).map(lambda found: tuple(sorted(found)))


def form(*tasks: Task) -> Form:
    return Form(tasks, letters, end=0)


@given(Sets, st.sampled_from([(), ("x",), ("b", "x")]), st.permutations([TOPICS, OTHERS, SLOTS]))
def test_what_is_written_is_read_back(
    topics: tuple[str, ...], others: tuple[str, ...], tasks: list[Task]
) -> None:
    labels = {"topics": topics, "others": others, "slots": (Span(0, 5, "room"),)}
    written = spelled(tasks, "attic", labels)
    assert form(*tasks).read("attic", written) == (labels, True)


def test_no_label_is_an_empty_answer() -> None:
    assert spelled([TOPICS], "x", {"topics": ()}) == ""
    assert spelled([TOPICS], "x", {"topics": ("a", "b")}) == "a\nb\n"
    assert form(TOPICS).read("x", "") == ({"topics": ()}, True)


@pytest.mark.parametrize(
    ("answer", "found", "valid"),
    [
        ("b\nA", ("a", "b"), True),
        ("a\n\n", ("a",), True),
        ("a\nz\nb", ("a", "b"), False),
        ("a\na", ("a",), False),
        ("none", (), False),
        ("a, b", (), False),
    ],
)
def test_free_answers_keep_what_is_a_label(
    answer: str, found: tuple[str, ...], valid: bool
) -> None:
    answers, sound = free_answers(form(TOPICS), "x", answer)
    assert answers == {"topics": SetPrediction(found, dict.fromkeys(found, 1.0))}
    assert sound == valid


def test_the_instruction_says_that_none_may_apply() -> None:
    assert instruction([OTHERS], labels=True) == (
        "List the others of the text that apply, a line each; write nothing if none does. "
        "They are among: b, x."
    )


def test_after_a_label_only_later_ones_may_follow() -> None:
    trie = form(TOPICS).trie(TOPICS)
    assert trie.answers["b"] + trie.answers["é"] + trie.answers[""] == (*letters("b\né\n"), 0)
    assert list(trie.after("b").answers) == ["c: d", "é", ""]
    assert trie.after("b") is trie.after("b")
    assert list(trie.after("é").answers) == [""]


def test_the_longest_answer_has_every_label() -> None:
    assert form(TOPICS).longest() == len("".join(f"{label}\n" for label in LABELS)) + 1
    assert form(OTHERS, INTENT).longest() == len("b\nx\n") + 1 + len("turn_off") + 1
    assert not form(TOPICS, INTENT).copies
    assert form(TOPICS, SLOTS).copies


@pytest.fixture(scope="module")
def decoder(tiny_decoder: Path) -> Decoder:
    found = Decoder.load(tiny_decoder, 32, torch.float32)
    found.model.eval()
    return found


TEXTS = [row.text for row in home_rows(12)]


def slow(decoder: Decoder, trie: Trie, begun: list[int]) -> tuple[dict[str, float], list[int]]:
    """The likeliest labels one after the other, each choice by forward passes of its own."""
    found: dict[str, float] = {}
    while True:
        shares = {name: _share(decoder, trie, begun, name) for name in trie.answers}
        best = max(shares, key=lambda name: shares[name])
        begun = [*begun, *trie.answers[best]]
        if not best:
            return found, begun
        found[best] = shares[best]
        names = list(trie.answers)
        trie = Trie({name: trie.answers[name] for name in names[names.index(best) + 1 :]})


def _share(decoder: Decoder, trie: Trie, begun: list[int], name: str) -> float:
    share, tokens = 1.0, trie.answers[name]
    for end, token in enumerate(tokens):
        choices = trie.choices(tokens[:end])
        with torch.inference_mode():
            logits = decoder.model(torch.tensor([[*begun, *tokens[:end]]])).logits[0, -1]
        share *= float(logits[choices].double().softmax(-1)[choices.index(token)])
    return share


@pytest.mark.parametrize("tasks", [(ABOUT,), (ABOUT, INTENT)])
@pytest.mark.parametrize("batch_size", [1, 5])
def test_labels_equal_those_of_choosing_one_by_one(
    decoder: Decoder, tasks: tuple[Task, ...], batch_size: int
) -> None:
    forms = decoder_forms(tasks, True, decoder)
    asking = Asking(decoder, forms, "constrained")
    answers = asking.answers(TEXTS, batch_size)
    sizes = set()
    for index, text in enumerate(TEXTS):
        around = asking.prompt(forms[0], text)
        begun = [*around.prefix, *decoder.cut(text)[1], *around.suffix]
        found, begun = slow(decoder, asking.tries["about"], begun)
        answer = answers["about"][index]
        assert isinstance(answer, SetPrediction)
        assert answer.labels == tuple(found)
        assert answer.probabilities == pytest.approx(found, abs=1e-2)
        sizes.add(len(found))
        if INTENT in tasks:
            choice = answers["intent"][index]
            shares = {n: _share(decoder, asking.tries["intent"], begun, n) for n in INTENT.labels}
            assert isinstance(choice, LabelPrediction)
            assert shares[choice.label] == max(shares.values())
    assert len(sizes) > 1, "texts with different numbers of labels"
