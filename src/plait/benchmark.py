"""One candidate on held-out rows: its answers, which of them are right, and its scores."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plait.approaches.base import Approach, Resolved
from plait.files import dump_json
from plait.intervals import CONFIDENCE, RESAMPLES, SEED, Estimate
from plait.progress import Progress
from plait.scoring import Scores, exact_match, score
from plait.tasks import Answer, Choice, Row, Task, row_to_json

# Few enough for progress every few seconds, enough for batches of texts of equal length.
CHUNK = 512
JOINT = "joint"

Held = Mapping[str, Sequence[Row]]
"""Held-out rows by dataset."""
Answers = Mapping[str, Sequence[Answer]]
"""Answers by task, in the order of the rows of the task's dataset."""


@dataclass(frozen=True)
class Benchmark:
    """Scores by task, the answers that they rest on, and exact match over the tasks together.

    `joint` is None unless a dataset carries several of the candidate's tasks: it is the share of
    that dataset's rows where all of them are right (over all such datasets' rows).
    """

    candidate: Resolved
    scores: Mapping[str, Scores]
    answers: Answers
    joint: Estimate | None

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
            "intervals": {"confidence": CONFIDENCE, "resamples": RESAMPLES, "seed": SEED},
            "tasks": {
                task.name: {
                    "dataset": task.dataset,
                    "kind": task.kind,
                    "headline": task.metric,
                    **self.scores[task.name].as_json(),
                }
                for task in self.candidate.tasks
            },
            JOINT: {"metrics": {"exact_match": self.joint.as_json()}} if self.joint else None,
        }

    def predictions(self, dataset: str, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
        """One line a held-out row: answers, their probability, and whether they are right."""
        tasks = [task for task in self.candidate.tasks if task.dataset == dataset]
        for index, row in enumerate(rows):
            answers = {task.name: self.answers[task.name][index] for task in tasks}
            yield {
                "id": row.id,
                "answers": {name: _plain(answer) for name, answer in answers.items()},
                "probability": {name: _probability(answer) for name, answer in answers.items()},
                "correct": {task.name: self.scores[task.name].correct[index] for task in tasks},
            }

    def confusions(self) -> dict[str, list[tuple[str, str]]]:
        """Task → (actual, predicted) of each labelled row, for the tasks that choose a label."""
        return {
            name: list(_cells(scores)) for name, scores in self.scores.items() if scores.confusion
        }


def benchmark(candidate: Resolved, model: Approach, held: Held) -> Benchmark:
    """Answer all held-out rows and score the answers.

    Raises:
        PlaitError: no row has a label for one of the tasks.
    """
    answers = answer(candidate, model, held)
    scores = {
        task.name: score(
            task,
            [row.labels.get(task.field) for row in held[task.dataset]],
            answers[task.name],
        )
        for task in candidate.tasks
    }
    return Benchmark(candidate, scores, answers, _joint(candidate.tasks, scores))


def answer(candidate: Resolved, model: Approach, held: Held) -> dict[str, list[Answer]]:
    """A model's answers to each task on the rows of the task's dataset."""
    answers: dict[str, list[Answer]] = {task.name: [] for task in candidate.tasks}
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


def fingerprints(tasks: Sequence[Task], held: Held) -> dict[str, str]:
    """Task → sha256 over ids, texts and labels of its held-out rows.

    Equal for every candidate that was measured on the same rows, whatever else it answers: only
    then may their scores be compared.
    """
    return {task.name: _fingerprint(held[task.dataset], task.field) for task in tasks}


def _fingerprint(rows: Sequence[Row], field: str) -> str:
    total = hashlib.sha256()
    for row in rows:
        alone = Row(row.id, row.text, {field: row.labels.get(field)})
        total.update(dump_json(row_to_json(alone)))
    return total.hexdigest()


def _joint(tasks: Sequence[Task], scores: Mapping[str, Scores]) -> Estimate | None:
    together: dict[str, list[str]] = {}
    for task in tasks:
        together.setdefault(task.dataset, []).append(task.name)
    correct: list[bool | None] = []
    for names in together.values():
        if len(names) > 1:
            rows = zip(*(scores[name].correct for name in names), strict=True)
            correct.extend(None if None in row else all(row) for row in rows)
    return exact_match([correct])


def _plain(answer: Answer) -> str | list[list[Any]]:
    if isinstance(answer, Choice):
        return answer.label
    return [[span.start, span.end, span.label] for span in answer]


def _probability(answer: Answer) -> float | None:
    """The probability of the label that was chosen; None for spans."""
    return round(answer.probabilities[answer.label], 6) if isinstance(answer, Choice) else None


def _cells(scores: Scores) -> Iterator[tuple[str, str]]:
    for actual, counts in zip(scores.labels, scores.confusion, strict=True):
        for predicted, count in zip(scores.labels, counts, strict=True):
            yield from [(actual, predicted)] * count
