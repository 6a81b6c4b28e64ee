"""Behavioural tests: pass rates of what a change of the text should do to the prediction.

Invariance and directional expectation as in Ribeiro et al. 2020, "Beyond Accuracy: Behavioral
Testing of NLP Models with CheckList". The expectation is of the answer before the change, so that
a wrong answer may pass: how often answers are right is said elsewhere.
"""

import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np

from plait.approaches.base import Approach
from plait.progress import Progress
from plait.scores.headline import spans_as_set
from plait.scores.intervals import share
from plait.segmentation import words
from plait.tasks import LabelPrediction, Prediction, Row, SetPrediction, Span, Task

ROWS = 200
CHUNK = 256
TOLERANCE = 1e-6
LEAST_LETTERS = 4


@dataclass(frozen=True)
class Case:
    """A changed text, and whether an answer to it is as expected."""

    text: str
    passes: Callable[[Prediction], bool]


def behaviour(
    tasks: Sequence[Task],
    model: Approach,
    rows: Sequence[Row],
    answers: Mapping[str, Sequence[Prediction]],
) -> dict[str, list[dict[str, Any]]]:
    """Task → tests with pass rate, interval and n, on at most `ROWS` rows of one dataset.

    Args:
        answers: by task, in the order of `rows`.
    """
    picked = np.unique(np.linspace(0, len(rows) - 1, min(ROWS, len(rows))).round().astype(int))
    chosen = [rows[index] for index in picked]
    tests = {
        task.name: {
            name: list(cases)
            for name, cases in _tests(task, chosen, [answers[task.name][i] for i in picked])
        }
        for task in tasks
    }
    cases = [case for found in tests.values() for part in found.values() for case in part]
    after = _answered(model, list(dict.fromkeys(case.text for case in cases)))
    return {
        task: [_result(name, task, part, after) for name, part in found.items() if part]
        for task, found in tests.items()
    }


def _answered(model: Approach, texts: Sequence[str]) -> dict[str, dict[str, Prediction]]:
    """Text → task → answer."""
    found: dict[str, dict[str, Prediction]] = {}
    with Progress(len(texts), "changed texts", "text") as bar:
        for start in range(0, len(texts), CHUNK):
            part = texts[start : start + CHUNK]
            answers = model.predict(part)
            for index, text in enumerate(part):
                found[text] = {task: given[index] for task, given in answers.items()}
            bar.update(len(part))
    return found


def _result(
    name: str, task: str, cases: Sequence[Case], after: Mapping[str, Mapping[str, Prediction]]
) -> dict[str, Any]:
    passed = [case.passes(after[case.text][task]) for case in cases]
    return {"test": name, **share(np.array(passed, dtype=np.float64)).as_json()}


def _tests(
    task: Task, rows: Sequence[Row], before: Sequence[Prediction]
) -> Iterator[tuple[str, Iterator[Case]]]:
    for name, change in INVARIANCES.items():
        yield f"invariance: {name}", _unchanged(rows, before, change)
    if task.kind == "classification":
        yield (
            "directional: another text in front does not raise the probability",
            _diluted(rows, before),
        )
    elif task.kind == "tagging":
        yield "directional: a replaced value is found again", _replaced(task, rows, before)


def _unchanged(
    rows: Sequence[Row], before: Sequence[Prediction], change: Callable[[str], str]
) -> Iterator[Case]:
    """Changes that keep the length, or add to the end: spans keep their places."""
    for row, answer in zip(rows, before, strict=True):
        text = change(row.text)
        if text != row.text:
            yield Case(text, partial(_same, answer))


def _same(one: Prediction, other: Prediction) -> bool:
    if isinstance(one, LabelPrediction):
        return one.label == cast("LabelPrediction", other).label
    if isinstance(one, SetPrediction):
        return one.labels == cast("SetPrediction", other).labels
    return spans_as_set(one) == spans_as_set(cast("Sequence[Span]", other))


def upper_case(text: str) -> str:
    """In capitals, where no letter becomes two."""
    changed = text.upper()
    return changed if len(changed) == len(text) else text


def punctuated(text: str) -> str:
    """With a full stop at the end; without any punctuation there where there was some."""
    bare = text.rstrip(string.punctuation)
    return bare if 0 < len(bare) < len(text) else f"{text}."


def misspelt(text: str) -> str:
    """Two letters within the longest word (the first of those) change places.

    Not in a script without spaces, where those would be two words, or a sign and its letter.
    """
    word = max(text.split(), key=len, default="")
    middle = len(word) // 2
    if len(word) < LEAST_LETTERS or not word.isalpha() or len(words(word)) > 1:
        return text
    swapped = word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
    return text.replace(word, swapped, 1)


INVARIANCES: Mapping[str, Callable[[str], str]] = {
    "case": upper_case,
    "punctuation": punctuated,
    "typo": misspelt,
}


def _diluted(rows: Sequence[Row], before: Sequence[Prediction]) -> Iterator[Case]:
    """The next text with another answer stands in front: no reason to be surer than before."""
    choices = [cast("LabelPrediction", answer) for answer in before]
    for index, (row, choice) in enumerate(zip(rows, choices, strict=True)):
        others = [*range(index + 1, len(rows)), *range(index)]
        other = next((i for i in others if choices[i].label != choice.label), None)
        if other is not None:
            yield Case(
                f"{rows[other].text} {row.text}",
                partial(_no_surer, choice),
            )


def _no_surer(before: LabelPrediction, after: Prediction) -> bool:
    label, probabilities = before.label, cast("LabelPrediction", after).probabilities
    return probabilities[label] <= before.probabilities[label] + TOLERANCE


def _replaced(task: Task, rows: Sequence[Row], before: Sequence[Prediction]) -> Iterator[Case]:
    """The first span that was answered right gets the next value of its type."""
    gold = [cast("tuple[Span, ...]", row.labels.get(task.field) or ()) for row in rows]
    values: dict[str, list[str]] = {}
    for row, spans in zip(rows, gold, strict=True):
        for span in spans:
            values.setdefault(span.label, []).append(row.text[span.start : span.end])
    for row, spans, answer in zip(rows, gold, before, strict=True):
        right = sorted(set(spans) & set(cast("tuple[Span, ...]", answer)))
        if right:
            yield from _with_other_value(row.text, right[0], sorted(set(values[right[0].label])))


def _with_other_value(text: str, span: Span, values: Sequence[str]) -> Iterator[Case]:
    now = text[span.start : span.end]
    other = values[(values.index(now) + 1) % len(values)]
    if other != now:
        wanted = Span(span.start, span.start + len(other), span.label)
        yield Case(
            text[: span.start] + other + text[span.end :],
            lambda after: wanted in cast("tuple[Span, ...]", after),
        )
