"""A service made on the spot: MiniLM with fresh heads, as many labels and slot types as MASSIVE.

Its answers mean nothing; the work that they take is that of a trained model.
"""

import shutil
from pathlib import Path

from massive import backbone
from plait import bundle
from plait.approaches.base import Resolved
from plait.approaches.heads.kept import GRAPH
from plait.approaches.heads.learning import LearnedHeads
from plait.registry.records import Record
from plait.registry.store import Registry
from plait.settings import Training
from plait.tasks import Task

SERVICE = "made"
LABELS, TYPES = 60, 55
"""As many as MASSIVE's intents, and types of slots."""


def tasks() -> tuple[Task, ...]:
    return (
        Task("intent", "", "classification", "", tuple(map(str, range(LABELS))), "accuracy"),
        Task("slots", "", "tagging", "", tuple(map(str, range(TYPES))), "span_f1"),
    )


def make(root: Path, weights: Path | None = None, graph: bool = True) -> Path:
    """A folder whose registry has the service as its champion.

    Args:
        weights: the backbone's folder; by default MiniLM as pinned.
        graph: whether the bundle has a graph for ONNX Runtime; without one torch answers.
    """
    settings = Training(max_length=256, precision="fp32")
    candidate = Resolved("heads", "minilm", "heads", "full", tasks(), settings.model_dump(), 0)
    model = LearnedHeads.build(candidate, weights or backbone("minilm"), settings)
    folder = root / "models/heads"
    bundle.save(model, candidate, folder)
    if not graph:
        (folder / GRAPH).unlink()
    crown(root, folder)
    shutil.rmtree(folder)
    return root


def crown(root: Path, folder: Path) -> Record:
    """Make a plan of one bundle the champion."""
    registry = Registry(root)
    kept = registry.write(
        Record(
            SERVICE,
            "promoted",
            "made for a benchmark",
            plan="one",
            tasks={task.name: "heads" for task in tasks()},
            bundles={"heads": registry.add(folder)},
        )
    )
    registry.point(kept)
    return kept
