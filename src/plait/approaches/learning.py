"""What approaches that learn by gradient share: how one is trained."""

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from plait.approaches.base import Approach, Resolved, Rows
from plait.batches import Batch, use_all_cores
from plait.files import sha256
from plait.methods import adapt
from plait.scoring import headline
from plait.settings import Training
from plait.tasks import Row


class Learned(Approach):
    """A model that `plait.training.fit` trains: what `module`'s forward gives is its loss by task.

    `pretrained` is the part of `module` that a method adapts.
    """

    module: nn.Module
    pretrained: PreTrainedModel

    @classmethod
    def train(
        cls, candidate: Resolved, backbone: Path, train: Rows, dev: Rows, scratch: Path
    ) -> Self:
        # Answering needs neither accelerate nor the loop, and they take seconds to import.
        from plait.training import fit

        settings = Training.model_validate(candidate.training)
        use_all_cores(settings.threads)
        torch.manual_seed(candidate.seed)
        model = cls.build(candidate, backbone, settings)
        finish = adapt(candidate.method, model.pretrained, settings)
        run = fingerprint(candidate, backbone, train)
        tokens = scratch / "tokens" / run
        encoded = {name: model.encoded(name, rows, tokens / name) for name, rows in train.items()}

        def evaluate() -> float:
            model.forget()
            return dev_score(model, dev, settings.dev_rows, candidate.seed)

        fit(model, encoded, evaluate, settings, candidate.seed, scratch, run, candidate.name)
        finish()
        model.forget()
        return model

    @classmethod
    @abstractmethod
    def build(cls, candidate: Resolved, backbone: Path, settings: Training) -> Self:
        """The model before training: pretrained weights, and fresh ones where it needs more."""

    @abstractmethod
    def encoded(self, dataset: str, rows: Sequence[Row], cache: Path) -> Any:
        """Tokenised rows as a memory-mapped `datasets.Dataset`; `cache` is theirs alone."""

    @abstractmethod
    def collate(self, dataset: str, rows: Sequence[Mapping[str, Any]]) -> Batch:
        """A batch of encoded rows."""

    def forget(self) -> None:
        """Drop what was computed with earlier weights."""


def fingerprint(candidate: Resolved, backbone: Path, train: Rows) -> str:
    """Names a training run: what it starts from, learns from and is told."""
    total = hashlib.sha256(repr((candidate, sorted(train.items()))).encode())
    for path in sorted(backbone.iterdir()):
        total.update(sha256(path).encode())
    return total.hexdigest()


def tokenised(
    examples: Callable[[], Iterator[Mapping[str, Any]]],
    lists: tuple[str, ...],
    numbers: tuple[str, ...],
    cache: Path,
) -> Any:
    """Examples as a memory-mapped `datasets.Dataset`, made once.

    Args:
        lists: columns that hold a list of integers.
        numbers: columns that hold an integer.
        cache: a folder of theirs alone, below one that is named by the run's fingerprint.
    """
    from datasets import Dataset, Features, List, Value, disable_progress_bars

    disable_progress_bars()
    columns = {
        **dict.fromkeys(lists, List(Value("int32"))),
        **dict.fromkeys(numbers, Value("int32")),
    }
    return Dataset.from_generator(
        examples,
        features=Features(columns),
        cache_dir=str(cache),
        fingerprint=cache.parent.name[:32],
    )


def dev_score(model: Approach, dev: Rows, most: int | None, seed: int) -> float:
    """Mean over tasks of the headline metric on dev rows, at most `most` of each dataset."""
    scores = []
    for dataset, rows in dev.items():
        count = min(len(rows), most or len(rows))
        drawn = np.random.default_rng(seed).permutation(len(rows))[:count]
        chosen = [rows[i] for i in sorted(drawn)]
        answers = model.predict([row.text for row in chosen], 64)
        scores += [
            headline(task, [row.labels.get(task.field) for row in chosen], answers[task.name])
            for task in model.tasks
            if task.dataset == dataset
        ]
    return sum(scores) / len(scores)
