"""Span scoring where published scorers have gone wrong; the same through every approach's tags.

Cases: alexa/massive issue 13 (a prediction that runs over its gold span passed as right, and a span
of n tokens counted n times) and issue 21 (the answers for later sub-words of a word were scored,
too), seqeval issues 6, 23, 67, 75, 86, 90 and 98 (isolated `I-`, a span taken for two, types that
are no IOB tags, types that change, borders), neighbours of one type, a type that changes inside a
span, spans cut short at the sentence's end. seqeval's strict mode is the reference.
"""

from collections.abc import Sequence
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2
from transformers import AutoTokenizer

from iob2 import spans_from_tags
from plait.approaches.heads.targets import targets_of
from plait.approaches.heads.words import spans as spans_of
from plait.approaches.reading.texts import Texts, units
from plait.approaches.tagging import best_spans, best_tags, spans_to_tags, tag_names
from plait.scores.headline import headline
from plait.scores.row_results import Pair, compare
from plait.scores.scoring import tagging
from plait.tasks import Row, Span, Task
from plait.training.batches import IGNORED

TYPES = ("x", "y")
TASK = Task("slots", "home", "tagging", "slots", TYPES, "span_f1")
NAMES = tag_names(TYPES)


def certain(tags: Sequence[int]) -> NDArray[np.float64]:
    """Probabilities (tokens × classes) of a model that is sure."""
    return np.eye(len(NAMES))[list(tags)]


def spans(tags: str) -> tuple[Span, ...]:
    return tuple(Span(*span) for span in spans_from_tags(tags.split()))


CASES = {
    # gold, predicted, true positives, gold spans, predicted spans
    "runs over the gold span (massive 13)": ("O O O O B-x", "O B-x I-x I-x I-x", 0, 1, 1),
    "three tokens count once (massive 13)": ("B-x I-x I-x B-y", "B-x I-x I-x O", 1, 2, 1),
    "right tokens, wrong borders (massive 13)": ("B-x I-x O", "B-x O O", 0, 1, 1),
    "neighbours of one type stay two": ("B-x B-x", "B-x B-x", 2, 2, 2),
    "neighbours of one type taken for one": ("B-x B-x", "B-x I-x", 0, 2, 1),
    "one taken for neighbours": ("B-x I-x", "B-x B-x", 0, 1, 2),
    "nothing to find and nothing found": ("O O", "O O", 0, 0, 0),
    "a spurious span where gold has none": ("O O", "B-x O", 0, 0, 1),
    "cut short at the end of the sentence": ("O B-x I-x", "O B-x O", 0, 1, 1),
    "cut short, the whole sentence": ("B-x I-x", "B-x O", 0, 1, 1),
    "orphan I- at the start (seqeval 23)": ("B-x I-x", "I-x I-x", 0, 1, 0),
    "orphan I- after a right span and O (seqeval 6)": (
        "B-x I-x I-x O B-x I-x O O", "B-x I-x I-x O B-x I-x O I-x", 2, 2, 2
    ),
    "a long span taken for two (seqeval 67)": (
        "O O B-x I-x I-x I-x I-x O", "O O B-x I-x I-x B-x I-x O", 0, 1, 2
    ),
    "begins a token early (seqeval 98)": ("O O O B-x I-x I-x O", "O O B-x I-x I-x I-x O", 0, 1, 1),
    "type change right after B- (seqeval 86)": (
        "O B-x I-x O B-y I-y", "O B-x I-y O B-y I-x", 0, 2, 2
    ),
    "a border off by one beside a right span (seqeval 90)": (
        "B-x I-x O O B-y I-y I-y O", "B-x I-x O O O B-y I-y O", 1, 2, 2
    ),
    "orphan I- after O": ("O B-x", "O I-x", 0, 1, 0),
    "orphan I- beside a right span": ("B-x O B-y", "B-x O I-y", 1, 2, 1),
    "type change inside a span": ("B-x I-x I-x", "B-x I-y I-x", 0, 1, 1),
    "type change, the first part is a span of its own": ("B-x B-y", "B-x I-y", 1, 2, 1),
    "right place, wrong type": ("B-x I-x", "B-y I-y", 0, 1, 1),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_spans_are_scored_as_strict_iob2_has_them(case: str) -> None:
    gold, found, hits, golds, predicted = CASES[case]
    f1 = 2 * hits / max(1, golds + predicted)
    truth, guess = spans(gold), spans(found)
    assert (len(set(truth) & set(guess)), len(truth), len(guess)) == (hits, golds, predicted)
    assert tagging([truth], [guess]).metrics["span_f1"].value == pytest.approx(f1)
    assert headline(TASK, [truth], [guess]) == pytest.approx(f1)
    theirs = f1_score([gold.split()], [found.split()], mode="strict", scheme=IOB2, zero_division=0)
    assert theirs == pytest.approx(f1)


@pytest.mark.parametrize("case", CASES)
def test_comparisons_score_spans_as_the_benchmark_does(case: str) -> None:
    gold, found, hits, golds, predicted = CASES[case]
    truth = frozenset((s.start, s.end, s.label) for s in spans(gold))
    guess = frozenset((s.start, s.end, s.label) for s in spans(found))
    nothing = {"row": Pair(truth, frozenset())}
    difference = compare({"row": Pair(truth, guess)}, nothing, "span_f1")
    assert difference.value == pytest.approx(2 * hits / max(1, golds + predicted))


@pytest.mark.parametrize("case", CASES)
def test_gold_spans_survive_the_tags_that_every_approach_trains_on(case: str) -> None:
    """Both approaches write and read tags through one module, tokens two characters apart."""
    gold = CASES[case][0].split()
    tokens = [(2 * i, 2 * i + 1) for i in range(len(gold))]
    truth = tuple(Span(2 * s.start, 2 * s.end - 1, s.label) for s in spans(" ".join(gold)))
    tags = spans_to_tags(truth, tokens, TYPES)
    assert [NAMES[tag] for tag in tags] == gold
    assert best_spans(certain(tags), tokens, TYPES) == truth


@pytest.mark.parametrize(
    "case", [name for name in CASES if "orphan" not in name and "type change" not in name]
)
def test_well_formed_answers_are_read_as_strict_iob2_has_them(case: str) -> None:
    found = CASES[case][1].split()
    tokens = [(i, i + 1) for i in range(len(found))]
    tags = [NAMES.index(tag) for tag in found]
    assert best_spans(certain(tags), tokens, TYPES) == spans(" ".join(found))


@given(st.lists(st.lists(st.floats(1e-6, 1), min_size=5, max_size=5), min_size=1, max_size=5))
def test_the_answer_is_the_most_probable_of_all_well_formed_tags(rows: list[list[float]]) -> None:
    probabilities = np.array(rows)
    well_formed = [
        tags
        for tags in product(range(5), repeat=len(rows))
        if all(t not in (2, 4) or b in (t - 1, t) for b, t in pairwise((0, *tags)))
    ]

    def log_probability(tags: Sequence[int]) -> float:
        return float(np.log(probabilities[range(len(rows)), tags]).sum())

    found = best_tags(probabilities)
    assert tuple(found) in well_formed
    assert log_probability(found) == pytest.approx(max(map(log_probability, well_formed)))


@pytest.mark.parametrize(
    ("likeliest", "answer"),
    [
        ("O I-x I-x", "O B-x I-x"),
        ("B-x I-y I-x", "B-x I-x I-x"),
        ("I-x I-x I-x", "B-x I-x I-x"),
        ("I-x I-y O", "O B-y O"),
    ],
)
def test_an_orphan_is_never_answered(likeliest: str, answer: str) -> None:
    """Each token has its likeliest tag at 0.6 and the next best, the `answer`'s, at 0.4."""
    first, second = ([NAMES.index(tag) for tag in tags.split()] for tags in (likeliest, answer))
    probabilities = 0.6 * certain(first) + 0.4 * certain(second)
    tokens = [(i, i + 1) for i in range(3)]
    assert [NAMES[tag] for tag in best_tags(probabilities)] == answer.split()
    found = best_spans(probabilities, tokens, TYPES)
    assert [(s.start, s.end, s.label) for s in found] == [
        (s.start, s.end, s.label) for s in spans(answer)
    ]
    each = {i: 1.0 if a == b else 0.4 for i, (a, b) in enumerate(zip(first, second, strict=True))}
    for span in found:
        mean = np.mean([each[i] for i in range(span.start, span.end)])
        assert span.probability == pytest.approx(mean)


def test_a_probability_of_zero_and_no_token_are_answered() -> None:
    assert best_tags(certain([NAMES.index("I-x"), 0])) in ([0, 0], [1, 0])
    assert best_spans(np.zeros((0, len(NAMES))), [], TYPES) == ()


def test_only_a_word_s_first_sub_word_is_scored(tiny_encoder: Path) -> None:
    """alexa/massive issue 21."""
    text = "turn on zephyr quagga"
    [encoded] = Texts.of(AutoTokenizer.from_pretrained(tiny_encoder)).encode([text], 32)
    words = units(text, encoded, last=False)
    length = len(encoded.ids)
    assert (len(words), length) == (4, 2 + 2 + 6 + 6)
    firsts = dict(zip((position for position, _ in words), ("O", "O", "B-x", "I-x"), strict=True))
    tags = [firsts.get(position, "B-y") for position in range(length)]
    probabilities = torch.eye(len(NAMES))[[NAMES.index(tag) for tag in tags]]
    assert spans_of(TASK, probabilities, words) == (Span(8, 21, "x"),)
    row = Row("r", text, {"slots": (Span(8, 21, "x"),)})
    targets = targets_of(TASK, row, words)
    assert [t for t in targets if t != IGNORED] == [NAMES.index(firsts[p]) for p in firsts]


def one_each(types: str) -> tuple[Span, ...]:
    return tuple(Span(2 * i, 2 * i + 1, name) for i, name in enumerate(types.split()))


def test_types_that_are_no_iob_tags_keep_their_name_and_their_count() -> None:
    """seqeval issue 75: parts of speech lose their first letter, and `X` is lost altogether."""
    gold = one_each("ADJ DET VERB AUX NOUN ADJ SCONJ"), one_each("CONJ ART X")
    answers = one_each("ADJ CONJ VERB AUX NOUN ADJ SCONJ"), one_each("CONJ SCONJ X")
    found = tagging(gold, answers)
    assert found.metrics["span_f1"].value == pytest.approx(8 / 10)
    assert {line["label"]: (line["f1"], line["support"]) for line in found.classes} == {
        "ADJ": (1, 2), "ART": (0, 1), "AUX": (1, 1), "CONJ": (pytest.approx(2 / 3, abs=1e-6), 1),
        "DET": (0, 1), "NOUN": (1, 1), "SCONJ": (pytest.approx(2 / 3, abs=1e-6), 1),
        "VERB": (1, 1), "X": (1, 1),
    }  # fmt: skip


def test_a_type_may_be_called_what_it_likes() -> None:
    types = ("DATE", "B-day", "I-day", "time-zone", "O", "s")
    gold = one_each(" ".join([*types, *types, "DATE", "DATE"]))
    tokens = [(span.start, span.end) for span in gold]
    sure = np.eye(1 + 2 * len(types))[spans_to_tags(gold, tokens, types)]
    answer = best_spans(sure, tokens, types)
    assert answer == gold
    assert {line["label"]: line["support"] for line in tagging([gold], [answer]).classes} == {
        "DATE": 4, "B-day": 2, "I-day": 2, "time-zone": 2, "O": 2, "s": 2
    }  # fmt: skip
