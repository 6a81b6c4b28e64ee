"""A registry with services of MiniLM and two fresh heads: `assistant` (ONNX Runtime), `eager`."""

from dataclasses import replace
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

LABELS, TYPES = 60, 55
"""As many as MASSIVE's intents, and types of slots."""
NAME = "minilm-intent+slots"


def tasks() -> tuple[Task, ...]:
    """As many labels as MASSIVE has."""
    labels = tuple(f"intent-{number:02}" for number in range(LABELS))
    types = tuple(f"type-{number:02}" for number in range(TYPES))
    return (
        Task("intent", "", "classification", "intent", labels, "accuracy"),
        Task("slots", "", "tagging", "slots", types, "span_f1"),
    )


def make(root: Path, weights: Path | None = None) -> None:
    """Service `assistant` with two champions of its history, service `eager` without a graph."""
    folder = weights or backbone("minilm")
    settings = Training(max_length=256, precision="fp32")
    made = Resolved(NAME, "minilm", "heads", "full", tasks(), settings.model_dump(), 0)
    registry = Registry(root)
    for seed in (0, 1):
        at = root / "models" / str(seed)
        bundle.save(LearnedHeads.build(replace(made, seed=seed), folder, settings), made, at)
        crown(registry, "assistant", at)
    (at / GRAPH).unlink()
    crown(registry, "eager", at)


def crown(registry: Registry, service: str, folder: Path) -> None:
    """Make a bundle the champion, without a contest."""
    plan = {task.name: NAME for task in tasks()}
    draft = Record(service, "promoted", "For a benchmark.", plan="one", tasks=plan)
    registry.point(
        registry.write(replace(draft, bundles={NAME: registry.add(folder)}, reason=str(folder)))
    )
