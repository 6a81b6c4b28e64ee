"""One candidate on held-out rows: its predictions, which of them are right, and its scores."""

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.approaches.base import Approach, Resolved
from plait.approaches.reading.coverage import Coverage, Splits, as_json
from plait.benchmark.behaviour import behaviour
from plait.files import atomic_folder, dump_json
from plait.progress import Progress
from plait.scores.calibration import calibration
from plait.scores.intervals import CONFIDENCE, Estimate
from plait.scores.scoring import Scores, exact_match, score
from plait.scores.slices import slices
from plait.tasks import (
    Label,
    LabelPrediction,
    Prediction,
    Row,
    SetPrediction,
    Task,
    label_to_json,
    row_to_json,
)

# Few enough for progress every few seconds, enough for batches of texts of equal length.
CHUNK = 512
JOINT = "joint"
# Mistakes are shown with their text: enough to learn from, few enough that a report holds no
# held-out set.
MISTAKES = 20
CHARACTERS = 300

Held = Mapping[str, Sequence[Row]]
"""Held-out rows by dataset."""
Answers = Mapping[str, Sequence[Prediction]]
"""Answers by task, in the order of the rows of the task's dataset."""


@dataclass(frozen=True)
class Seen:
    """What is known of training: rows (spans) by task and label, and held-out rows that it saw.

    `leaked` maps a dataset to ids of held-out rows whose text also stands, as it is or nearly so,
    in train or dev; a dataset that it lacks has not been checked. `coverage` says how much of the
    train and dev rows the model read.
    """

    support: Mapping[str, Mapping[str, int]]
    leaked: Mapping[str, frozenset[str]]
    coverage: Splits


@dataclass(frozen=True)
class Benchmark:
    """Scores by task, the answers that they rest on, and exact match over the tasks together.

    `joint` is None unless a dataset carries several of the candidate's tasks: it is the share of
    that dataset's rows where all of them are right (over all such datasets' rows);
    `leak_free_joint` is the same without the rows that training has seen. `views` has by task the
    other ways to look at the same answers: slices, calibration, behavioural tests. By dataset
    `coverage` says how much of the held-out rows was read, `truncated` which of them were cut.
    """

    candidate: Resolved
    scores: Mapping[str, Scores]
    answers: Answers
    joint: Estimate | None
    leak_free_joint: Estimate | None
    views: Mapping[str, Mapping[str, Any]]
    held: Held
    seen: Seen
    coverage: Mapping[str, Coverage]
    truncated: Mapping[str, Sequence[bool]]

    def values(self) -> dict[str, dict[str, float]]:
        """Task → metric → value (0–1), and `joint`: what `dvc metrics show` reads."""
        details = self.details()
        parts = {**details["tasks"], **({JOINT: details[JOINT]} if self.joint else {})}
        return {
            task: {metric: found["value"] for metric, found in part["metrics"].items()}
            for task, part in parts.items()
        }

    def details(self) -> dict[str, Any]:
        """Everything but the rows: n, intervals, tables by class, confusion matrices."""
        return {
            "candidate": self.candidate.name,
            "seed": self.candidate.seed,
            "intervals": {
                "confidence": CONFIDENCE,
                "method": "wilson, effective rows by jackknife",
            },
            "tasks": {
                task.name: {
                    "dataset": task.dataset,
                    "kind": task.kind,
                    "headline": task.metric,
                    **self.scores[task.name].as_json(),
                    **self.views[task.name],
                }
                for task in self.candidate.tasks
            },
            JOINT: _joint_json(self.joint, self.leak_free_joint),
            "coverage": as_json({**self.seen.coverage, "heldout": self.coverage}),
        }

    def predictions(self, dataset: str, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
        """One line a held-out row: answers, their probability, and whether they are right.

        `leaked` says whether training has seen the text; null where that is not known. `truncated`
        says whether an answer rests on a part of the text.
        """
        tasks = [task for task in self.candidate.tasks if task.dataset == dataset]
        leaked = self.seen.leaked.get(dataset)
        for index, row in enumerate(rows):
            answers = {task.name: self.answers[task.name][index] for task in tasks}
            yield {
                "id": row.id,
                "answers": {name: _plain(answer) for name, answer in answers.items()},
                "probability": {name: _probability(answer) for name, answer in answers.items()},
                "correct": {task.name: self.scores[task.name].correct[index] for task in tasks},
                "leaked": None if leaked is None else row.id in leaked,
                "truncated": self.truncated[dataset][index],
                "gold": {task.name: _plain(row.labels.get(task.field)) for task in tasks},
            }

    def mistakes(self) -> dict[str, list[dict[str, Any]]]:
        """Task → its `MISTAKES` surest wrong answers, with text and gold label.

        Of several labels or spans the mean probability counts; an answer without any has none, and
        is not among them.
        """
        return {task.name: self._mistakes(task) for task in self.candidate.tasks}

    def _mistakes(self, task: Task) -> list[dict[str, Any]]:
        rows, answers = self.held[task.dataset], self.answers[task.name]
        correct = self.scores[task.name].correct
        wrong = [
            (-_confidence(answers[i]), i)
            for i, right in enumerate(correct)
            if right is False and _says_something(answers[i])
        ]
        return [
            {
                "id": rows[i].id,
                "text": rows[i].text[:CHARACTERS],
                "gold": _plain(rows[i].labels.get(task.field)),
                "answer": _plain(answers[i]),
                "probability": round(_confidence(answers[i]), 6),
            }
            for _, i in sorted(wrong)[:MISTAKES]
        ]

    def confusions(self) -> dict[str, list[tuple[str, str]]]:
        """Task → (actual, predicted) of each labelled row, for the tasks that choose a label."""
        return {
            name: list(_cells(scores)) for name, scores in self.scores.items() if scores.confusion
        }


def write_confusions(found: Benchmark, path: Path) -> None:
    """A folder with a CSV file a task, in the form that `dvc plots` reads."""
    with atomic_folder(path) as folder:
        for task, pairs in found.confusions().items():
            with (folder / f"{task}.csv").open("w", encoding="utf-8", newline="") as stream:
                csv.writer(stream, lineterminator="\n").writerows([("actual", "predicted"), *pairs])


def benchmark(candidate: Resolved, model: Approach, held: Held, seen: Seen) -> Benchmark:
    """Answer all held-out rows and score the answers.

    Raises:
        PlaitError: no row has a label for one of the tasks.
    """
    answers = answer(candidate, model, held)
    tasks = candidate.tasks
    scores = {task.name: score(task, _gold(task, held), answers[task.name]) for task in tasks}
    return Benchmark(
        candidate,
        scores,
        answers,
        _joint(tasks, scores, held, {}),
        _joint(tasks, scores, held, seen.leaked) if _checked(tasks, seen) else None,
        _views(candidate, model, held, answers, seen),
        held,
        seen,
        {dataset: model.coverage(dataset, rows) for dataset, rows in held.items()},
        {name: model.truncated([row.text for row in rows]) for name, rows in held.items()},
    )


def _gold(task: Task, held: Held) -> list[Label]:
    return [row.labels.get(task.field) for row in held[task.dataset]]


def _checked(tasks: Sequence[Task], seen: Seen) -> bool:
    return all(task.dataset in seen.leaked for task in tasks)


def _views(
    candidate: Resolved, model: Approach, held: Held, answers: Answers, seen: Seen
) -> dict[str, dict[str, Any]]:
    """By task what `Benchmark.views` has."""
    tests: dict[str, Any] = {}
    for dataset, rows in held.items():
        asked = [task for task in candidate.tasks if task.dataset == dataset]
        tests |= behaviour(asked, model, rows, answers)
    views: dict[str, dict[str, Any]] = {}
    for task in candidate.tasks:
        found = calibration(_gold(task, held), answers[task.name])
        views[task.name] = {
            "slices": list(_slices(candidate, task, held, answers[task.name], seen)),
            "calibration": found.as_json() if found else None,
            "behaviour": tests[task.name],
        }
    return views


def _slices(
    candidate: Resolved, task: Task, held: Held, answers: Sequence[Prediction], seen: Seen
) -> Iterator[dict[str, Any]]:
    asked = frozenset(each.field for each in candidate.tasks if each.dataset == task.dataset)
    rows, gold = held[task.dataset], _gold(task, held)
    leaked = seen.leaked.get(task.dataset)
    for part in slices(task, rows, seen.support.get(task.name, {}), leaked, asked):
        found = score(task, [gold[i] for i in part.rows], [answers[i] for i in part.rows])
        metrics = {name: value.as_json() for name, value in found.metrics.items()}
        yield {"by": part.by, "slice": part.name, "n": len(part.rows), "metrics": metrics}


def answer(candidate: Resolved, model: Approach, held: Held) -> dict[str, list[Prediction]]:
    """A model's answers to each task on the rows of the task's dataset."""
    answers: dict[str, list[Prediction]] = {task.name: [] for task in candidate.tasks}
    total = sum(len(rows) for rows in held.values())
    with Progress(total, f"benchmark {candidate.name}", "row") as bar:
        for dataset, rows in held.items():
            names = [task.name for task in candidate.tasks if task.dataset == dataset]
            for start in range(0, len(rows), CHUNK):
                texts = [row.text for row in rows[start : start + CHUNK]]
                found = model.predict(texts)
                for name in names:
                    answers[name] += found[name]
                bar.update(len(texts))
    return answers


def rows_digests(tasks: Sequence[Task], held: Held) -> dict[str, str]:
    """Task → sha256 over ids, texts and labels of its held-out rows.

    Equal for every candidate that was measured on the same rows, whatever else it answers: only
    then may their scores be compared.
    """
    return {task.name: _rows_digest(held[task.dataset], task.field) for task in tasks}


def _rows_digest(rows: Sequence[Row], field: str) -> str:
    total = hashlib.sha256()
    for row in rows:
        alone = Row(row.id, row.text, {field: row.labels.get(field)})
        total.update(dump_json(row_to_json(alone)))
    return total.hexdigest()


def _joint(
    tasks: Sequence[Task],
    scores: Mapping[str, Scores],
    held: Held,
    leaked: Mapping[str, frozenset[str]],
) -> Estimate | None:
    """Exact match on the rows that are not `leaked`."""
    together: dict[str, list[str]] = {}
    for task in tasks:
        together.setdefault(task.dataset, []).append(task.name)
    correct: list[bool | None] = []
    for dataset, names in together.items():
        if len(names) > 1:
            left_out = leaked.get(dataset, frozenset())
            found = zip(*(scores[name].correct for name in names), strict=True)
            for row, right in zip(held[dataset], found, strict=True):
                if row.id not in left_out:
                    correct.append(None if None in right else all(right))
    return exact_match([correct])


def _joint_json(all_rows: Estimate | None, leak_free: Estimate | None) -> dict[str, Any] | None:
    if all_rows is None:
        return None
    return {
        "metrics": {"exact_match": all_rows.as_json()},
        "leak_free": {"exact_match": leak_free.as_json()} if leak_free else None,
    }


def _says_something(answer: Prediction) -> bool:
    """Whether there is a label or a span, and so a probability."""
    return bool(answer.labels if isinstance(answer, SetPrediction) else answer)


def _confidence(answer: Prediction) -> float:
    """The probability of the label, or the mean of the labels' or spans'."""
    if isinstance(answer, LabelPrediction):
        return answer.probabilities[answer.label]
    if isinstance(answer, SetPrediction):
        return sum(answer.probabilities[label] for label in answer.labels) / len(answer.labels)
    return sum(span.probability for span in answer) / len(answer)


def _plain(value: Prediction | Label) -> Any:
    if isinstance(value, LabelPrediction):
        return value.label
    return label_to_json(value.labels if isinstance(value, SetPrediction) else value)


def _probability(answer: Prediction) -> float | dict[str, float] | None:
    """The probability of the label that was chosen, or of each label of several; None for spans."""
    if isinstance(answer, SetPrediction):
        return {name: round(value, 6) for name, value in answer.probabilities.items()}
    return (
        round(answer.probabilities[answer.label], 6)
        if isinstance(answer, LabelPrediction)
        else None
    )


def _cells(scores: Scores) -> Iterator[tuple[str, str]]:
    for actual, counts in zip(scores.labels, scores.confusion, strict=True):
        for predicted, count in zip(scores.labels, counts, strict=True):
            yield from [(actual, predicted)] * count
