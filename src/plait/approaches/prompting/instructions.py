"""Instructions to a decoder. A task's own `prompt` in params.yaml takes precedence."""

from collections.abc import Mapping, Sequence

from plait.tasks import Task, TaskKind

CLASSIFICATION = "Name the {task} of the text."
CHOICES = "It is one of: {labels}."
SEVERAL = "List the {task} of the text that apply, a line each; write nothing if none does."
AMONG = "They are among: {labels}."
TAGGING = "List the {task} of the text, a line each, as type: words."
TYPES = "Types: {labels}."
_DEFAULT: Mapping[TaskKind, tuple[str, str]] = {
    "classification": (CLASSIFICATION, CHOICES),
    "multilabel": (SEVERAL, AMONG),
    "tagging": (TAGGING, TYPES),
}


def instruction(tasks: Sequence[Task], labels: bool) -> str:
    """One sentence or two a task; with `labels` they name all labels, as untrained models need."""
    return " ".join(sentence for task in tasks for sentence in _sentences(task, labels))


def _sentences(task: Task, labels: bool) -> list[str]:
    own, choices = _DEFAULT[task.kind]
    asked = task.prompt or own.format(task=task.name)
    return [asked, choices.format(labels=", ".join(task.labels))] if labels else [asked]
