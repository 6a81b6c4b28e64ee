"""Approach `heads`: a shared encoder or decoder and one linear head per task.

A classification head reads the mean of the token vectors, or the last one in a decoder whose tokens
look back only; so does a multilabel head, whose labels have a sigmoid each. A tagging head reads
the vector of each word's first sub-word, in a decoder of its last, and answers with the most
probable well-formed tags. A row that carries several labels goes through the backbone once.

To answer, a bundle needs neither torch nor transformers, which take seconds to import: ONNX Runtime
computes the logits. torch does so on a GPU, and for a bundle without a graph.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from plait.approaches.base import Approach, Resolved, Rows
from plait.approaches.heads.kept import BACKBONE, GRAPH, SETTINGS, Kept
from plait.approaches.heads.words import choice, several, spans
from plait.approaches.probabilities import sigmoid, softmax
from plait.approaches.reading.coverage import Coverage
from plait.approaches.reading.reach import Reach
from plait.approaches.reading.texts import Encoded, Texts, Vocabulary, units
from plait.files import read_json
from plait.machine import has_gpu
from plait.segmentation import Place
from plait.tasks import Prediction, Row, Task
from plait.training.memory import ANSWERS, memory_for

if TYPE_CHECKING:
    from plait.settings import Training

Ids = NDArray[np.int64]


class Engine(Protocol):
    """What computes the logits: `OnnxGraph` or `Eager`.

    `best_tokens` of a batch are answered fastest; None: the more, the faster.
    """

    best_tokens: int | None

    def logits(self, inputs: Mapping[str, Ids]) -> list[NDArray[np.float32]]:
        """Of each task in turn: (batch × classes), or for tagging (batch × length × classes)."""
        ...

    def thresholds(self, task: Task) -> NDArray[np.float32]:
        """From which probability each label of a multilabel task applies (labels)."""
        ...

    def parameters_count(self) -> int:
        """Number of weights."""
        ...


class Heads(Approach):
    """Tasks, what is read of a text, and an engine that computes logits."""

    def __init__(
        self, tasks: tuple[Task, ...], kept: Kept, vocabulary: Vocabulary, engine: Engine
    ) -> None:
        self.tasks, self.kept, self.engine = tasks, kept, engine
        self.texts = Texts(vocabulary, begin=kept.reading.decoder)
        self.reach = Reach(
            tasks, self.texts.room(kept.max_length), self.texts.whole, self._places, kept.windows
        )

    @classmethod
    def train(
        cls, candidate: Resolved, backbone: Path, train: Rows, dev: Rows, scratch: Path
    ) -> "Heads":
        from plait.approaches.heads.learning import LearnedHeads

        return LearnedHeads.train(candidate, backbone, train, dev, scratch)

    @classmethod
    def build(cls, candidate: Resolved, backbone: Path, settings: "Training") -> "Heads":
        """A pretrained backbone with fresh heads, to be trained."""
        from plait.approaches.heads.learning import LearnedHeads

        return LearnedHeads.build(candidate, backbone, settings)

    @classmethod
    def load(cls, folder: Path, tasks: tuple[Task, ...]) -> "Heads":
        settings = read_json(folder / SETTINGS)
        kept = Kept.from_json(settings)
        vocabulary = Vocabulary.load(folder / BACKBONE, settings["vocabulary"])
        return Heads(tasks, kept, vocabulary, _engine(folder, tasks, kept))

    def save(self, folder: Path) -> None:
        """Raises: what was loaded for answers can't be saved.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("this model was loaded for answers: copy its bundle instead")

    def read_words(self, text: str, encoded: Encoded) -> list[tuple[int, Place]]:
        """The words of a text: of each the token that is read, and its place."""
        return units(text, encoded, self.kept.reading.decoder)

    def _places(self, text: str, encoded: Encoded) -> list[Place]:
        return [place for _, place in self.read_words(text, encoded)]

    def padded(self, ids: Sequence[Sequence[int]]) -> dict[str, Ids]:
        """`input_ids` and `attention_mask` (batch × longest).

        Padding stands on the right, whatever side the tokenizer pads: positions count from there.
        """
        lengths = np.array([len(row) for row in ids])
        read = np.arange(lengths.max()) < lengths[:, None]
        found = np.full(read.shape, self.texts.vocabulary.padding, np.int64)
        found[read] = [each for row in ids for each in row]
        return {"input_ids": found, "attention_mask": read.astype(np.int64)}

    def predict(self, texts: Sequence[str], batch_size: int = 32) -> dict[str, list[Prediction]]:
        return self.reach.answers(texts, lambda slices: self.answers(slices, batch_size))

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        return self.reach.truncated(texts)

    def coverage(self, dataset: str, rows: Sequence[Row]) -> Coverage:
        return self.reach.coverage(dataset, rows)

    def answers(self, texts: Sequence[str], batch_size: int) -> dict[str, list[Prediction]]:
        """Answers to texts that are read at once, those of equal length together."""
        read = list(zip(texts, self.texts.encode(texts, self.kept.max_length), strict=True))
        answers: dict[str, list[Prediction]] = {task.name: [()] * len(texts) for task in self.tasks}
        lengths = [len(encoded.ids) for _, encoded in read]
        for places in batches(lengths, batch_size, self.engine.best_tokens):
            batch = self._answer([read[i] for i in places])
            for name, found in batch.items():
                for place, answer in zip(places, found, strict=True):
                    answers[name][place] = answer
        return answers

    def _answer(self, read: Sequence[tuple[str, Encoded]]) -> dict[str, list[Prediction]]:
        inputs = self.padded([encoded.ids for _, encoded in read])
        size = "{} texts of {} tokens".format(*inputs["input_ids"].shape)
        with memory_for(f"in answering {size} at once", ANSWERS):
            logits = self.engine.logits(inputs)
        return {
            task.name: list(self._predictions(task, found, read))
            for task, found in zip(self.tasks, logits, strict=True)
        }

    def _predictions(
        self, task: Task, logits: NDArray[np.float32], read: Sequence[tuple[str, Encoded]]
    ) -> Iterator[Prediction]:
        if task.kind == "multilabel":
            least = self.engine.thresholds(task)
            yield from (several(task, row, least) for row in sigmoid(logits))
            return
        for row, (text, found) in zip(softmax(logits), read, strict=True):
            if task.kind == "classification":
                yield choice(task, row)
            else:
                yield spans(task, row, self.read_words(text, found))

    def parameters_count(self) -> int:
        return self.engine.parameters_count()


def batches(lengths: Sequence[int], most: int, tokens: int | None) -> Iterator[list[int]]:
    """Places of texts that are answered together: those of like length, the shortest first.

    Args:
        lengths: tokens of each text.
        most: texts of a batch.
        tokens: of a batch, padding included; a longer text is alone.
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        full = tokens is not None and (len(batch) + 1) * lengths[place] > tokens
        if batch and (full or len(batch) == most):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _engine(folder: Path, tasks: tuple[Task, ...], kept: Kept) -> Engine:
    if (folder / GRAPH).is_file() and not _cuda():
        from plait.approaches.heads.graph import OnnxGraph

        return OnnxGraph(folder, tasks)
    from plait.approaches.heads.eager import Eager

    return Eager.load(folder, tasks, kept)


def _cuda() -> bool:
    """Whether torch can use a GPU; it is not imported where there is none."""
    if not has_gpu():
        return False
    import torch

    return torch.cuda.is_available()
