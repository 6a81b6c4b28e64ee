"""Rows that the policy `quarantine` takes out of train and dev, each with its reasons."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plait.leakage.leaks import Together
from plait.tasks import Task
from plait.validation.checks import Check
from plait.validation.datasets import read_datasets
from plait.validation.engine import run
from plait.validation.tables import Tables

if TYPE_CHECKING:
    from plait.experiment.schema import Validation

Reasons = Mapping[str, Sequence[str]]
"""For the id of each row that is taken out: the rules at fault, `RULE` or `RULE:TASK`."""


def quarantined(
    folder: Path, tasks: Sequence[Task], limits: "Validation", together: Together
) -> Mapping[str, Reasons]:
    """For each dataset the rows of train and dev that a rule with the policy `quarantine` faults.

    The rules look at the data as it is before any row is taken out.

    Raises:
        PlaitError: a prepared file is missing or is no JSONL; names file and line.
    """
    if "quarantine" not in limits.rules.values():
        return {}
    return {
        dataset.data.name: _reasons(dataset.checks, dataset.tables)
        for dataset in read_datasets(folder, tasks, limits, together)
    }


def _reasons(checks: Sequence[Check], tables: Tables) -> Reasons:
    asked = [c for c in checks if c.policy == "quarantine" and c.split != "heldout"]
    outcomes = run(asked, tables)
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for check in asked:
        names = tables[check.table]["name"]
        for place in outcomes[check.key].at_fault if check.key in outcomes else ():
            found[str(names.iloc[place])][":".join(filter(None, (check.rule.name, check.task)))] = (
                None
            )
    return {name: sorted(reasons) for name, reasons in found.items()}
