"""Which rule looks at which table: everything follows from a dataset's tasks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plait.tasks import Task
from plait.validation import rules
from plait.validation.prepared import Prepared
from plait.validation.rules import Rule
from plait.validation.tables import Tables

if TYPE_CHECKING:
    from plait.experiment import Validation

SPOKEN = {"train": "train", "dev": "dev", "heldout": "held-out"}


@dataclass(frozen=True)
class Check:
    """A rule on one table; `subject` is what a row of the table is, in the plural."""

    rule: Rule
    table: str
    subject: str
    split: str | None = None
    task: str | None = None

    @property
    def key(self) -> str:
        """Unique within a dataset."""
        return ":".join((self.table, self.rule.name, self.task or ""))


def declare(data: Prepared, tables: Tables, limits: "Validation") -> list[Check]:
    """Every check that the tasks of a dataset call for, in the order of the report."""
    checks = [*_row_checks(limits), *_leak_checks(limits)]
    for task in data.tasks:
        checks += _task_checks(task, tables, limits)
    return checks


def _row_checks(limits: "Validation") -> Iterator[Check]:
    for split in ("train", "dev"):
        for rule in rules.rows_rules(split, limits):
            yield Check(rule, split, f"{split} rows", split)
    yield Check(rules.id_across_splits(), "ids", "ids")


def _leak_checks(limits: "Validation") -> Iterator[Check]:
    for split, earlier in (("dev", "train"), ("heldout", "train"), ("heldout", "dev")):
        for rule in rules.leak_rules(earlier, limits):
            yield Check(rule, split, f"{SPOKEN[split]} rows", split)


def _task_checks(task: Task, tables: Tables, limits: "Validation") -> Iterator[Check]:
    for split in ("train", "dev"):
        yield Check(rules.label_null(task.name), split, f"{split} rows", split, task.name)
    yield from _label_checks(task, tables, limits)
    yield Check(
        rules.label_conflict(task.name),
        f"conflicts/{task.name}",
        "train and dev rows",
        None,
        task.name,
    )
    if task.kind == "tagging":
        for split in ("train", "dev"):
            for rule in rules.span_rules():
                yield _on_answers(rule, task, split)


def _label_checks(task: Task, tables: Tables, limits: "Validation") -> Iterator[Check]:
    if task.labels:
        for split in SPOKEN:
            yield _on_answers(rules.label_unknown(task.name, task.labels), task, split)
    trained = list(tables[f"trained/{task.name}"]["name"])
    for split in ("dev", "heldout"):
        for rule in rules.unseen_rules(task.name, trained, limits):
            yield _on_answers(rule, task, split)
    least = 2 if task.kind == "classification" else 1
    named = f"labels of {task.name}"
    count, support = rules.label_count(task.name, least), rules.label_support(_unit(task))
    yield Check(count, f"trained/{task.name}", named, "train", task.name)
    yield Check(support, f"support/{task.name}", named, "train", task.name)


def _on_answers(rule: Rule, task: Task, split: str) -> Check:
    subject = f"{SPOKEN[split]} {_unit(task)}"
    return Check(rule, f"answers/{task.name}/{split}", subject, split, task.name)


def _unit(task: Task) -> str:
    return "spans" if task.kind == "tagging" else "rows"
