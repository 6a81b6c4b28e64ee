"""Shared by the approaches that learn by gradient: the steps of a training."""

import hashlib
import os
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from plait.approaches.base import Approach, Resolved, Rows
from plait.code import digest
from plait.errors import PlaitError
from plait.files import dump_json, sha256
from plait.scores.headline import headline
from plait.settings import Training
from plait.tasks import Row, Task
from plait.training.batches import Batch, use_all_cores
from plait.training.history import Curves, History
from plait.training.methods import adapt

PACKAGES = ("accelerate", "datasets", "numpy", "peft", "tokenizers", "torch", "transformers")
"""A training's result depends on these packages' versions."""


class Learned(Approach):
    """A model that `plait.training.loop.fit` trains: `module`'s forward gives its loss by task.

    `pretrained` is the part of `module` that a method adapts.
    """

    module: nn.Module
    pretrained: PreTrainedModel
    history: History

    def curves(self) -> Curves:
        return self.history.curves

    @classmethod
    def train(
        cls, candidate: Resolved, backbone: Path, train: Rows, dev: Rows, scratch: Path
    ) -> Self:
        # Answering needs neither accelerate nor the loop, and they take seconds to import.
        from plait.training.loop import fit

        settings = Training.model_validate(candidate.training)
        chosen_by = drawn(dev, candidate, settings.dev_rows)
        use_all_cores(settings.threads)
        torch.manual_seed(candidate.seed)
        model = cls.build(candidate, backbone, settings)
        model.check_reading(candidate, train)
        finish = adapt(candidate.method, model.pretrained, settings)
        run = identity(candidate, backbone, train, dev)
        tokens = scratch / "tokens" / hashlib.sha256(dump_json(run)).hexdigest()
        encoded = {name: model.encoded(name, rows, tokens / name) for name, rows in train.items()}

        def evaluate() -> dict[str, float]:
            model.forget()
            model.settle(chosen_by)
            return dev_scores(model, chosen_by)

        model.history = fit(
            model, encoded, evaluate, settings, candidate.seed, scratch, run, candidate.name
        )
        finish()
        model.forget()
        model.settle(chosen_by)
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

    def settle(self, dev: Rows) -> None:
        """Choose by dev rows what depends on the weights and isn't learned by gradient."""

    def forget(self) -> None:
        """Drop what was computed with earlier weights."""


def identity(candidate: Resolved, backbone: Path, train: Rows, dev: Rows) -> dict[str, str]:
    """What decides the weights of a training run, part by part."""
    return {
        "candidate": _digest(dump_json(candidate.as_json())),
        "backbone": _digest([(path.name, sha256(path)) for path in sorted(backbone.iterdir())]),
        "train rows": _digest(sorted(train.items())),
        "dev rows": _digest(sorted(dev.items())),
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "code": digest("plait.stages.train", [candidate.approach], [candidate.method]),
    }


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


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
        cache: a folder of theirs alone, below one that is named by the run's identity.
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


def drawn(dev: Rows, candidate: Resolved, most: int | None) -> dict[str, list[Row]]:
    """The dev rows that weights are chosen by: at most `most` of each dataset, by the seed.

    A task without a label among them is named on stderr.

    Raises:
        PlaitError: no task has one.
    """
    seed = candidate.seed
    chosen = {
        dataset: _draw(rows, [t for t in candidate.tasks if t.dataset == dataset], most, seed)
        for dataset, rows in dev.items()
    }
    silent = [task for task in candidate.tasks if not _labelled(task, chosen.get(task.dataset, ()))]
    if len(silent) == len(candidate.tasks):
        raise PlaitError(_unlabelled(candidate, dev))
    if os.environ.get("RANK", "0") == "0":
        for task in silent:
            found, there = len(chosen.get(task.dataset, ())), len(dev.get(task.dataset, ()))
            print(
                f"{candidate.name}: weights are chosen without task {task.name!r}: {found} of "
                f"{there} dev rows of {task.dataset!r} are read (training.dev_rows), none with a "
                f"label in {task.field!r}",
                file=sys.stderr,
            )
    return chosen


def _draw(rows: Sequence[Row], tasks: Sequence[Task], most: int | None, seed: int) -> list[Row]:
    """The first labelled row of each task comes before others, so that none goes without."""
    order = np.random.default_rng(seed).permutation(len(rows)).tolist()
    firsts = [next((i for i in order if _labelled(task, [rows[i]])), None) for task in tasks]
    ranked = [i for i in dict.fromkeys([*firsts, *order]) if i is not None]
    return [rows[i] for i in sorted(ranked[: most or len(rows)])]


def _labelled(task: Task, rows: Sequence[Row]) -> bool:
    return any(row.labels.get(task.field) is not None for row in rows)


def _unlabelled(candidate: Resolved, dev: Rows) -> str:
    counts = {task.dataset: len(dev.get(task.dataset, ())) for task in candidate.tasks}
    where = "; ".join(f"dataset {name!r}: {count} dev rows" for name, count in counts.items())
    names = ", ".join(task.name for task in candidate.tasks)
    return (
        f"candidate {candidate.name!r}: {where}, none with a label for any of its tasks ({names}), "
        "so its best weights can't be chosen, whatever training.dev_rows is. Label some dev rows, "
        "or let the dataset's dev split be one that has labels."
    )


def dev_scores(model: Approach, dev: Rows) -> dict[str, float]:
    """The headline metric of each task that has labels among the dev rows."""
    scores: dict[str, float] = {}
    for dataset, rows in dev.items():
        answers = model.predict([row.text for row in rows], 64)
        scores |= {
            task.name: headline(
                task, [row.labels.get(task.field) for row in rows], answers[task.name]
            )
            for task in model.tasks
            if task.dataset == dataset and _labelled(task, rows)
        }
    return scores
