"""The rows of train and dev that the policy `quarantine` removes, each with its reasons."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from plait.leakage.leaks import MixtureDatasets
from plait.tasks import Split, Task
from plait.validation.checks import Check
from plait.validation.datasets import read_datasets
from plait.validation.engine import run_checks
from plait.validation.leak_rules import LEAK_RULES
from plait.validation.tables import Tables

if TYPE_CHECKING:
    from plait.experiment.schema import Validation

_LATER: Mapping[str, Sequence[Split]] = {"train": ("dev", "heldout"), "dev": ("heldout",)}
Reasons = Mapping[str, Sequence[str]]
"""Id of a quarantined row → the rules that it breaks, as `RULE` or `RULE:TASK`."""


def quarantined(
    folder: Path, tasks: Sequence[Task], limits: "Validation", mixtures: MixtureDatasets
) -> Mapping[str, Reasons]:
    """For each dataset, the rows of train and dev that break a rule with the policy `quarantine`.

    The rules examine the data before any row is removed. Those about leaks remove the copies in the
    earlier split, so that scores are of rows that were not trained on, and none is lost to them.

    Raises:
        PlaitError: a prepared file is missing or is not JSONL; names file and line.
    """
    if "quarantine" not in limits.rules.values():
        return {}
    return {
        dataset.data.name: _reasons(dataset.checks, dataset.tables)
        for dataset in read_datasets(folder, tasks, limits, mixtures)
    }


def _reasons(checks: Sequence[Check], tables: Tables) -> Reasons:
    asked = [check for check in checks if check.policy == "quarantine"]
    quarantining = [c for c in asked if c.split != "heldout" and not _is_leak(c)]
    observations = run_checks(quarantining, tables)
    broken: dict[str, set[str]] = defaultdict(set)
    for check in quarantining:
        rule = ":".join(filter(None, (check.rule.name, check.task)))
        if check.key in observations:
            faulty = tables[check.table].iloc[observations[check.key].faulty]
            for name in tables.names_of(faulty):
                broken[name].add(rule)
    for rule in {check.rule.name for check in asked if _is_leak(check)}:
        for name in _copies(rule, tables):
            broken[name].add(rule)
    return {name: sorted(reasons) for name, reasons in broken.items()}


def _is_leak(check: Check) -> bool:
    """Whether the rows to remove are the copies in an earlier split, not those of the check."""
    return check.rule.name in LEAK_RULES


def _copies(rule: str, tables: Tables) -> list[str]:
    """The rows of the split that a rule about leaks names whose text a later split also holds."""
    kind, _, earlier = rule.partition("_in_")
    table = tables[earlier]
    copied = pd.Series(False, index=table.index)
    for split in _LATER[earlier]:
        copied |= table[f"in_{split}"]
        if kind == "near":
            copied |= table[f"near_{split}"]
    return tables.names_of(table[copied])
