"""Instructions to a decoder. A task's own `prompt` in params.yaml takes precedence."""

from collections.abc import Sequence

from plait.tasks import Task

CLASSIFICATION = "Name the {task} of the text."
CHOICES = "It is one of: {labels}."
TAGGING = "List the {task} of the text, a line each, as type: words."
TYPES = "Types: {labels}."


def instruction(tasks: Sequence[Task], labels: bool) -> str:
    """One sentence or two a task; with `labels` they name all labels, as untrained models need."""
    return " ".join(sentence for task in tasks for sentence in _sentences(task, labels))


def _sentences(task: Task, labels: bool) -> list[str]:
    choosing = task.kind == "classification"
    asked = task.prompt or (CLASSIFICATION if choosing else TAGGING).format(task=task.name)
    named = (CHOICES if choosing else TYPES).format(labels=", ".join(task.labels))
    return [asked, named] if labels else [asked]
