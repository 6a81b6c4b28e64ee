"""Approach `linear`: TF-IDF and a linear support vector machine per task (per label, where several
may apply). The floor.

Texts are TF-IDF weighted words and word pairs; tokens of a tagging task are described by the words
around them. Scores become probabilities by one temperature per task, fitted on dev rows
(Guo et al. 2017, "On Calibration of Modern Neural Networks"). Answers need no scikit-learn.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from plait.approaches.base import Approach, Resolved, Rows
from plait.approaches.labelling import applying, marks
from plait.approaches.linear.features import token_features, word_features
from plait.approaches.linear.separator import OneVsRest, Separator
from plait.approaches.tagging import best_spans, classes, spans_to_tags
from plait.errors import PlaitError
from plait.progress import Progress
from plait.segmentation import words
from plait.tasks import LabelPrediction, Prediction, Row, Task, is_spans


def _classification_examples(rows: Sequence[Row], task: Task) -> tuple[list[list[str]], list[int]]:
    index = {label: i for i, label in enumerate(task.labels)}
    labelled = [row for row in rows if row.labels.get(task.field) in index]
    features = [word_features(row.text) for row in labelled]
    return features, [index[str(row.labels[task.field])] for row in labelled]


def _tagging_examples(rows: Sequence[Row], task: Task) -> tuple[list[list[str]], list[int]]:
    features: list[list[str]] = []
    targets: list[int] = []
    for row in rows:
        spans = row.labels.get(task.field)
        if is_spans(spans):
            places = words(row.text)
            features += token_features([row.text[a:b] for a, b in places])
            targets += spans_to_tags(
                [s for s in spans if s.label in task.labels], places, task.labels
            )
    return features, targets


def _set_examples(rows: Sequence[Row], task: Task) -> tuple[list[list[str]], list[Any]]:
    labelled = [row for row in rows if row.labels.get(task.field) is not None]
    features = [word_features(row.text) for row in labelled]
    return features, [marks(task, row.labels[task.field]) for row in labelled]


Examples = Callable[[Sequence[Row], Task], tuple[list[list[str]], list[Any]]]
EXAMPLES: dict[str, Examples] = {
    "classification": _classification_examples,
    "multilabel": _set_examples,
    "tagging": _tagging_examples,
}


def _separator(task: Task) -> type[Separator]:
    return OneVsRest if task.kind == "multilabel" else Separator


def _fitted(
    task: Task,
    train: tuple[list[list[str]], list[Any]],
    dev: tuple[list[list[str]], list[Any]],
    seed: int,
) -> Separator:
    from plait.approaches.linear import fitting  # scikit-learn takes seconds to import

    if task.kind == "multilabel":
        several = fitting.fit_several(*train, len(task.labels), seed)
        fitting.calibrate_several(several, *dev)
        return several
    found = fitting.fit(*train, len(classes(task)), seed)
    fitting.calibrate(found, *dev)
    return found


class Linear(Approach):
    """One separator per task over shared code; no weights are shared."""

    def __init__(self, tasks: tuple[Task, ...], separators: dict[str, Separator]) -> None:
        self.tasks, self.separators = tasks, separators

    @classmethod
    def train(
        cls, candidate: Resolved, backbone: Path, train: Rows, dev: Rows, scratch: Path
    ) -> "Linear":
        separators: dict[str, Separator] = {}
        with Progress(len(candidate.tasks), candidate.name, "task") as bar:
            for task in candidate.tasks:
                separators[task.name] = cls._fit(task, train, dev, candidate.seed)
                bar.update()
        return cls(candidate.tasks, separators)

    @staticmethod
    def _fit(task: Task, train: Rows, dev: Rows, seed: int) -> Separator:
        examples = EXAMPLES[task.kind]
        features, targets = examples(train[task.dataset], task)
        if len(set(targets)) < 2:
            raise PlaitError(
                f"task {task.name!r}: {len(set(targets))} class(es) among {len(targets)} training "
                "examples; a separator needs at least two. Check the task's field and labels."
            )
        if not any(features):
            raise PlaitError(
                f"task {task.name!r}: none of {len(features)} training texts has a visible "
                "character. Check the texts, and the reader's settings."
            )
        return _fitted(task, (features, targets), examples(dev.get(task.dataset, ()), task), seed)

    def predict(self, texts: Sequence[str], batch_size: int = 32) -> dict[str, list[Prediction]]:
        answer = {
            "classification": self._choices,
            "multilabel": self._sets,
            "tagging": self._spans,
        }
        return {task.name: answer[task.kind](texts, task) for task in self.tasks}

    def _choices(self, texts: Sequence[str], task: Task) -> list[Prediction]:
        found = self.separators[task.name].probabilities([word_features(text) for text in texts])
        return [
            LabelPrediction(
                task.labels[int(row.argmax())], dict(zip(task.labels, row.tolist(), strict=True))
            )
            for row in found
        ]

    def _sets(self, texts: Sequence[str], task: Task) -> list[Prediction]:
        separator = self.separators[task.name]
        found = separator.probabilities([word_features(text) for text in texts])
        return [applying(task, row, separator.weights["thresholds"]) for row in found]

    def _spans(self, texts: Sequence[str], task: Task) -> list[Prediction]:
        return [self._tag(text, task) for text in texts]

    def _tag(self, text: str, task: Task) -> Prediction:
        places = words(text)
        if not places:
            return ()
        features = token_features([text[start:end] for start, end in places])
        found = self.separators[task.name].probabilities(features)
        return best_spans(found, places, task.labels)

    def save(self, folder: Path) -> None:
        for name, separator in self.separators.items():
            separator.save(folder, name)

    @classmethod
    def load(cls, folder: Path, tasks: tuple[Task, ...]) -> "Linear":
        return cls(tasks, {task.name: _separator(task).load(folder, task.name) for task in tasks})

    def parameters_count(self) -> int:
        arrays: list[Any] = [w for s in self.separators.values() for w in s.weights.values()]
        return sum(int(array.size) for array in arrays)
