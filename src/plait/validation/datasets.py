"""Prepared datasets → each with its tables and the checks that run on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from plait.leakage.leaks import MixtureDatasets, trained_with
from plait.leakage.matches import Matches
from plait.tasks import Task
from plait.validation.checks import Check, declare_checks
from plait.validation.compared import compare_texts
from plait.validation.drift import Profile
from plait.validation.prepared import PreparedDataset, read_prepared
from plait.validation.tables import Tables, build_tables

if TYPE_CHECKING:
    from plait.experiment.schema import Validation


@dataclass(frozen=True)
class CheckedDataset:
    """A dataset with its tables and checks. `matches` covers the texts of all datasets."""

    data: PreparedDataset
    tables: Tables
    checks: Sequence[Check]
    matches: Matches


def read_datasets(
    folder: Path,
    tasks: Sequence[Task],
    limits: "Validation",
    mixtures: MixtureDatasets = (),
    accepted: Mapping[str, Profile] | None = None,
) -> list[CheckedDataset]:
    """Read the datasets of the tasks, compare their texts and declare their checks.

    Raises:
        PlaitError: a prepared file is missing or is not JSONL; names file and line.
    """
    names = sorted({task.dataset for task in tasks})
    read = [
        read_prepared(folder, name, [task for task in tasks if task.dataset == name])
        for name in names
    ]
    compared = compare_texts(read, limits.near_duplicate, limits.short_words, mixtures)
    found = []
    for data in read:
        tables = build_tables(data, compared, (accepted or {}).get(data.name))
        others = [name for name in trained_with(data.name, mixtures) if name != data.name]
        others = [name for name in others if name in names]
        checks = declare_checks(data, tables, limits, others)
        found.append(CheckedDataset(data, tables, checks, compared.matches))
    return found
