"""The checks of a dataset: which rule applies to which table. All of it follows from the tasks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from plait.experiment.policy import OPTIONAL, Policy
from plait.tasks import Task
from plait.validation import label_rules, rules
from plait.validation.columns import NO_LETTERS
from plait.validation.prepared import PreparedDataset
from plait.validation.rules import Rule
from plait.validation.tables import Tables

if TYPE_CHECKING:
    from plait.experiment.schema import Validation

SPLIT_TITLES = {"train": "train", "dev": "dev", "heldout": "held-out"}
SCRIPT_SHARE = 0.01


@dataclass(frozen=True)
class Check:
    """A rule applied to one table; `subject` names the rows of the table, such as `dev rows`."""

    rule: Rule
    table: str
    subject: str
    split: str | None = None
    task: str | None = None
    policy: Policy = "error"

    @property
    def key(self) -> str:
        """Unique within a dataset."""
        return ":".join((self.table, self.rule.name, self.task or ""))


def declare_checks(
    data: PreparedDataset, tables: Tables, limits: "Validation", others: Sequence[str] = ()
) -> list[Check]:
    """All checks of a dataset, in the order of the report.

    Args:
        others: the datasets that share a mixture with this one.
    """
    checks = [*_row_checks(tables, limits), *_leak_checks(limits, others)]
    for task in data.tasks:
        checks += _task_checks(task, tables, limits)
    checks.append(Check(rules.length_drift(limits), "drift", "splits and versions"))
    return [
        replace(check, policy=limits.policy(check.rule.name))
        for check in checks
        if check.rule.name not in OPTIONAL or check.rule.name in limits.rules
        if _has_rows(check, tables)
    ]


def _has_rows(check: Check, tables: Tables) -> bool:
    """Whether the rows that a check is about are there; one that says that they aren't stays.

    So a split without rows, or a task without labels, is one failure.
    """
    if check.rule.name == "rows":
        return True
    if any(tables[split].empty for split in {"train", check.split} if split):
        return False
    if check.task and tables[f"trained/{check.task}"].empty:
        return check.rule.name == "label_count"
    labels = f"labels/{check.task}/{check.split}"
    return check.table != labels or check.rule.name == "label_rows" or not tables[labels].empty


def _row_checks(tables: Tables, limits: "Validation") -> Iterator[Check]:
    for split, title in SPLIT_TITLES.items():
        yield Check(rules.rows(title), split, f"{title} rows", split)
    for split in ("train", "dev"):
        for rule in rules.row_rules(limits):
            yield Check(rule, split, f"{split} rows", split)
        yield Check(rules.text_in_heldout(), split, f"{split} rows", split)
    for split, title in SPLIT_TITLES.items():
        for rule in rules.text_rules(_scripts(tables), limits):
            yield Check(rule, split, f"{title} rows", split)
    yield Check(rules.id_across_splits(), "ids", "ids")


def _scripts(tables: Tables) -> list[str]:
    """The scripts of at least 1 % of the training texts with letters, sorted, and none at all."""
    scripts = tables["train"]["script"]
    counts = scripts[scripts != NO_LETTERS].value_counts(normalize=True)
    common = (str(script) for script, share in counts.items() if share >= SCRIPT_SHARE)
    return [*sorted(common), NO_LETTERS]


def _leak_checks(limits: "Validation", others: Sequence[str]) -> Iterator[Check]:
    for split, earlier in (("dev", "train"), ("heldout", "train"), ("heldout", "dev")):
        for rule in rules.leak_rules(earlier, limits):
            yield Check(rule, split, f"{SPLIT_TITLES[split]} rows", split)
    for split, title in SPLIT_TITLES.items() if others else ():
        yield Check(rules.text_elsewhere(others), split, f"{title} rows", split)


def _task_checks(task: Task, tables: Tables, limits: "Validation") -> Iterator[Check]:
    for split in ("train", "dev"):
        yield Check(label_rules.label_null(task.name), split, f"{split} rows", split, task.name)
    yield from _label_checks(task, tables, limits)
    yield from _conflict_checks(task)
    if task.kind == "tagging":
        for split in SPLIT_TITLES:
            for rule in label_rules.span_rules(task, split):
                yield _on_labels(rule, task, split)
        offsets = label_rules.span_offsets(task)
        yield Check(offsets, f"offsets/{task.name}", "other ways to count offsets", None, task.name)
    drift = label_rules.label_drift(task.name, limits)
    yield Check(drift, f"drift/{task.name}", "splits and versions", None, task.name)


def _conflict_checks(task: Task) -> Iterator[Check]:
    conflict_rules: Iterable[Rule] = [label_rules.label_conflict(task.name)]
    if task.whole_text:
        conflict_rules = [*conflict_rules, label_rules.label_conflict_near(task.name)]
    for rule in conflict_rules:
        yield Check(rule, f"conflicts/{task.name}", "train and dev rows", None, task.name)


def _label_checks(task: Task, tables: Tables, limits: "Validation") -> Iterator[Check]:
    if task.labels:
        for split in SPLIT_TITLES:
            yield _on_labels(label_rules.label_unknown(task.name, task.labels), task, split)
    for split in SPLIT_TITLES:
        yield _on_labels(label_rules.label_placeholder(task), task, split)
    trained = list(tables[f"trained/{task.name}"]["name"])
    for split in ("dev", "heldout"):
        some = label_rules.label_rows(task.name, f"{SPLIT_TITLES[split]} {_unit(task)}")
        yield _on_labels(some, task, split)
        for rule in label_rules.unseen_rules(task.name, trained, limits):
            yield _on_labels(rule, task, split)
    least = 2 if task.kind == "classification" else 1
    named, support = f"labels of {task.name}", f"support/{task.name}"
    count = label_rules.label_count(task.name, least)
    yield Check(count, f"trained/{task.name}", named, "train", task.name)
    alike = label_rules.label_alike(task, tables[support])
    yield Check(alike, support, named, None, task.name)
    counted = "rows" if task.whole_text else "spans"
    yield Check(label_rules.label_support(counted), support, named, "train", task.name)
    if task.kind == "classification":
        balance = label_rules.label_balance(task.name, limits)
        yield Check(balance, support, named, "train", task.name)


def _on_labels(rule: Rule, task: Task, split: str) -> Check:
    subject = f"{SPLIT_TITLES[split]} {_unit(task)}"
    return Check(rule, f"labels/{task.name}/{split}", subject, split, task.name)


def _unit(task: Task) -> str:
    """What a row of the table of labels is."""
    units = {"classification": "rows", "multilabel": "labels", "tagging": "spans"}
    return units[task.kind]
