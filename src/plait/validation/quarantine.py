"""The rows of train and dev that the policy `quarantine` removes, each with its reasons."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plait.leakage.leaks import MixtureDatasets
from plait.tasks import Task
from plait.validation.checks import Check
from plait.validation.datasets import read_datasets
from plait.validation.engine import run_checks
from plait.validation.tables import Tables

if TYPE_CHECKING:
    from plait.experiment.schema import Validation

Reasons = Mapping[str, Sequence[str]]
"""Id of a quarantined row → the rules that it breaks, as `RULE` or `RULE:TASK`."""


def quarantined(
    folder: Path, tasks: Sequence[Task], limits: "Validation", mixtures: MixtureDatasets
) -> Mapping[str, Reasons]:
    """For each dataset, the rows of train and dev that break a rule with the policy `quarantine`.

    The rules examine the data before any row is removed.

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
    quarantining = [c for c in checks if c.policy == "quarantine" and c.split != "heldout"]
    observations = run_checks(quarantining, tables)
    broken: dict[str, set[str]] = defaultdict(set)
    for check in quarantining:
        names = tables[check.table]["name"]
        rule = ":".join(filter(None, (check.rule.name, check.task)))
        for position in observations[check.key].faulty if check.key in observations else ():
            broken[str(names.iloc[position])].add(rule)
    return {name: sorted(reasons) for name, reasons in broken.items()}
