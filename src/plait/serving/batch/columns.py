"""The columns that answers add to a file, and their values."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from plait.errors import PlaitError
from plait.serving.service import Reply, Service
from plait.tasks import Task

Shape = Literal["string", "number", "truth", "strings", "numbers", "spans", "ranked"]
BATCH = 64
"""Texts of a window that a model answers at once, at most."""
ERROR = "error"


@dataclass(frozen=True)
class Column:
    """A column of answers: its name, what it holds, and of which task (empty: of the row)."""

    name: str
    shape: Shape
    task: str = ""
    part: str = ""


def columns(tasks: Iterable[Task], prefix: str, top: int, reasons: bool) -> list[Column]:
    """The columns of a service's answers, in order.

    Args:
        prefix: begins their names.
        top: labels of a classification; more than one makes a column TASK_top.
        reasons: whether a column says why a row has no answer.
    """
    made = [column for task in tasks for column in _of_task(task, prefix, top)]
    made.append(Column(f"{prefix}truncated", "truth", part="truncated"))
    if reasons:
        made.append(Column(f"{prefix}{ERROR}", "string", part=ERROR))
    return made


def _of_task(task: Task, prefix: str, top: int) -> list[Column]:
    name = f"{prefix}{task.name}"
    if task.kind == "tagging":
        return [Column(name, "spans", task.name, "spans")]
    if task.kind == "multilabel":
        return [
            Column(name, "strings", task.name, "labels"),
            Column(f"{name}_probability", "numbers", task.name, "probabilities"),
        ]
    made = [
        Column(name, "string", task.name, "label"),
        Column(f"{name}_probability", "number", task.name, "probability"),
    ]
    return [*made, Column(f"{name}_top", "ranked", task.name, "top")] if top > 1 else made


def check_clash(file: str, found: Sequence[str], added: Sequence[Column]) -> None:
    """Raise `PlaitError` if the file has a column of answers already, or two would be alike."""
    names = [column.name for column in added]
    alike = [name for name in names if name in found or names.count(name) > 1]
    if alike:
        raise PlaitError(
            f"{file}: has the columns {', '.join(map(repr, dict.fromkeys(alike)))}, which the "
            "answers would have, too. Begin their names otherwise, as in `--prefix plait_`."
        )


_PARTS: dict[str, Callable[[Any], Any]] = {
    "spans": lambda answer: answer,
    "label": lambda answer: answer["label"],
    "probability": lambda answer: answer["probability"],
    "top": lambda answer: answer["top"],
    "labels": lambda answer: [each["label"] for each in answer["labels"]],
    "probabilities": lambda answer: [each["probability"] for each in answer["labels"]],
}


def answered(
    service: Service, added: Sequence[Column], top: int, texts: Sequence[str]
) -> list[list[Any]]:
    """Of each column but ERROR the values of all texts."""
    if not texts:
        return [[] for column in added if column.part != ERROR]
    replies = service.answer(texts, BATCH)
    return list(map(list, zip(*(_values(reply, added, top) for reply in replies), strict=True)))


def _values(reply: Reply, added: Sequence[Column], top: int) -> list[Any]:
    answers = reply.as_json(top)["answers"]
    return [
        _PARTS[column.part](answers[column.task]) if column.task else reply.truncated
        for column in added
        if column.part != ERROR
    ]
