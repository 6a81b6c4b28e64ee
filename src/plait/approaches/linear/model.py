"""Approach `linear`: TF-IDF and a linear support vector machine per task (per label, where several
may apply). The floor.

Texts are TF-IDF weighted words and word pairs; tokens of a tagging task are described by the words
around them. Scores become probabilities by one temperature per task, fitted on dev rows
(Guo et al. 2017, "On Calibration of Modern Neural Networks").
"""

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import regex
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy.optimize import minimize, minimize_scalar
from scipy.sparse import csr_matrix
from scipy.special import expit, log_softmax, softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from plait.approaches.base import Approach, Resolved, Rows
from plait.approaches.labelling import HALF, applying, marks, thresholds
from plait.approaches.tagging import best_spans, classes, spans_to_tags
from plait.errors import PlaitError
from plait.files import read_json, write_json
from plait.progress import Progress
from plait.segmentation import SPACELESS, words
from plait.tasks import LabelPrediction, Prediction, Row, Task, is_spans

Array = NDArray[np.float32]
WINDOW = 2
LOWEST = -10.0
"""The score of what no training row has."""
# A script without spaces would otherwise make a sentence one word, which no other text has.
_WORD = regex.compile(rf"(?V1)(?=[[\w]&&[{SPACELESS}]])\X|[[\w\p{{N}}]--[{SPACELESS}]]{{2,}}")


def word_features(text: str) -> list[str]:
    """Lower-case words of two letters or more, and pairs of neighbours.

    A character is a word in a script without spaces between words. A text without such words has
    its letters and signs instead, as one of emoji does.
    """
    lower = text.lower()
    found = _WORD.findall(lower) or [lower[start:end] for start, end in words(lower)]
    return found + [f"{a} {b}" for a, b in pairwise(found)]


def token_features(tokens: Sequence[str]) -> list[list[str]]:
    """For each token: the words around it by distance, its ends and its shape."""
    padded = [""] * WINDOW + [token.lower() for token in tokens] + [""] * WINDOW
    return [
        [f"{d}:{padded[i + WINDOW + d]}" for d in range(-WINDOW, WINDOW + 1)]
        + [f"<{padded[i + 1]} {padded[i + WINDOW]}", f"{padded[i + WINDOW]} {padded[i + 3]}>"]
        + [f"^{token[:3].lower()}", f"{token[-3:].lower()}$", re.sub(r"\d", "0", token)]
        for i, token in enumerate(tokens)
    ]


class Separator:
    """Features → scores of `n` classes → probabilities."""

    def __init__(self, vocabulary: dict[str, int], weights: dict[str, Array]) -> None:
        self.vocabulary, self.weights = vocabulary, weights

    @classmethod
    def fit(cls, features: list[list[str]], targets: Sequence[Any], n: int, seed: int) -> Self:
        vectorizer = TfidfVectorizer(analyzer=_identity, sublinear_tf=True, dtype=np.float32)
        inputs = vectorizer.fit_transform(features)
        full, bias = cls._separated(inputs, targets, n, seed)
        weights = {
            "idf": vectorizer.idf_.astype(np.float32),
            "coefficients": full,
            "intercept": bias,
            "temperature": np.ones(1, np.float32),
        }
        return cls({str(k): int(v) for k, v in vectorizer.vocabulary_.items()}, weights)

    @staticmethod
    def _separated(
        inputs: csr_matrix, targets: Sequence[Any], n: int, seed: int
    ) -> tuple[Array, Array]:
        """Coefficients (classes × features) and intercepts (classes)."""
        machine = LinearSVC(random_state=seed).fit(inputs, targets)
        coefficients, intercept = machine.coef_, machine.intercept_
        if len(machine.classes_) == 2:
            coefficients = np.concatenate([-coefficients, coefficients])
            intercept = np.concatenate([-intercept, intercept])
        # Classes without a training row get the lowest score there is, so that n stays closed.
        full = np.zeros((n, inputs.shape[1]), np.float32)
        bias = np.full(n, LOWEST, np.float32)
        full[machine.classes_], bias[machine.classes_] = coefficients, intercept
        return full, bias

    def calibrate(self, features: list[list[str]], targets: Sequence[Any]) -> None:
        """Fit the temperature on rows that were not trained on (least negative log likelihood)."""
        if not targets:
            return
        scores, rows = self.scores(features), np.arange(len(targets))

        def loss(log_temperature: float) -> float:
            scaled = log_softmax(scores / np.exp(log_temperature), axis=1)
            return -float(scaled[rows, targets].mean())

        best = minimize_scalar(loss, bounds=(-4, 4), method="bounded")
        self.weights["temperature"] = np.array([np.exp(best.x)], np.float32)

    @cached_property
    def _vectorizer(self) -> TfidfVectorizer:
        """Built once: building it iterates over the whole vocabulary."""
        vectorizer = TfidfVectorizer(
            analyzer=_identity, sublinear_tf=True, dtype=np.float32, vocabulary=self.vocabulary
        )
        vectorizer.idf_ = self.weights["idf"]
        return vectorizer

    @cached_property
    def _coefficients(self) -> Array:
        """Features × classes in C order: a product with sparse rows copies any other layout."""
        return np.ascontiguousarray(self.weights["coefficients"].T)

    def scores(self, features: list[list[str]]) -> Array:
        """Scores (rows × classes)."""
        inputs: csr_matrix = self._vectorizer.transform(features)
        found: Array = inputs @ self._coefficients + self.weights["intercept"]
        return found

    def probabilities(self, features: list[list[str]]) -> Array:
        """Probabilities (rows × classes)."""
        found: Array = softmax(self.scores(features) / self.weights["temperature"], axis=1)
        return found

    def save(self, folder: Path, name: str) -> None:
        save_file(self.weights, folder / f"{name}.safetensors")
        write_json(folder / f"{name}.vocabulary.json", self.vocabulary)

    @classmethod
    def load(cls, folder: Path, name: str) -> Self:
        vocabulary: dict[str, int] = read_json(folder / f"{name}.vocabulary.json")
        return cls(vocabulary, load_file(folder / f"{name}.safetensors"))


class OneVsRest(Separator):
    """A separator for each label, of which several may apply: targets are marks, one a label.

    Scores become probabilities by a slope and an offset that all labels share (Platt 1999,
    "Probabilistic Outputs for Support Vector Machines"), fitted on dev rows as the thresholds are.
    """

    @staticmethod
    def _separated(
        inputs: csr_matrix, targets: Sequence[Any], n: int, seed: int
    ) -> tuple[Array, Array]:
        full = np.zeros((n, inputs.shape[1]), np.float32)
        bias = np.full(n, LOWEST, np.float32)
        for label, column in enumerate(np.array(targets).T):
            if column.all():
                bias[label] = -LOWEST
            elif column.any():
                machine = LinearSVC(random_state=seed).fit(inputs, column)
                full[label], bias[label] = machine.coef_[0], machine.intercept_[0]
        return full, bias

    def calibrate(self, features: list[list[str]], targets: Sequence[Any]) -> None:
        """Fit slope and offset (least negative log likelihood), then the thresholds."""
        self.weights |= {"offset": np.zeros(1, np.float32)}
        self.weights["thresholds"] = np.full(len(self.weights["intercept"]), HALF, np.float32)
        learned = self.weights["coefficients"].any(axis=1)
        if not targets or not learned.any():
            return
        gold = np.array(targets)
        scores, truth = self.scores(features)[:, learned], gold[:, learned]

        def loss(slope_and_offset: Array) -> float:
            scaled = scores * np.exp(slope_and_offset[0]) + slope_and_offset[1]
            return float((np.logaddexp(0, scaled) - truth * scaled).mean())

        found = minimize(loss, np.zeros(2), bounds=[(-4, 4), (-8, 8)]).x
        self.weights["temperature"] = np.array([np.exp(-found[0])], np.float32)
        self.weights["offset"] = np.array([found[1]], np.float32)
        self.weights["thresholds"] = thresholds(self.probabilities(features), gold)

    def probabilities(self, features: list[list[str]]) -> Array:
        """Probabilities (rows × labels), each by itself."""
        scaled = self.scores(features) / self.weights["temperature"] + self.weights["offset"]
        found: Array = expit(scaled)
        return found


def _identity(features: list[str]) -> list[str]:
    return features


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
        separator = _separator(task).fit(features, targets, len(classes(task)), seed)
        separator.calibrate(*examples(dev.get(task.dataset, ()), task))
        return separator

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
