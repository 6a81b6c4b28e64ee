"""What approaches that learn by gradient share: a run's name, its tokenised rows, its dev score."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from plait.approaches.base import Approach, Resolved, Rows
from plait.files import sha256
from plait.scoring import headline


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
