"""Prepared datasets → each with its tables and the checks that look at them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from plait.leakage.leaks import Together, known_to
from plait.leakage.matches import Matches
from plait.tasks import Task
from plait.validation.checks import Check, declare
from plait.validation.compared import compare
from plait.validation.drift import Profile
from plait.validation.prepared import Prepared, read_prepared
from plait.validation.tables import Tables, build_tables

if TYPE_CHECKING:
    from plait.experiment.schema import Validation


@dataclass(frozen=True)
class Dataset:
    """A dataset as it is checked. `matches` are those of all datasets."""

    data: Prepared
    tables: Tables
    checks: Sequence[Check]
    matches: Matches


def read_datasets(
    folder: Path,
    tasks: Sequence[Task],
    limits: "Validation",
    together: Together = (),
    accepted: Mapping[str, Profile] | None = None,
) -> list[Dataset]:
    """Read the datasets that `tasks` ask, compare their texts and declare their checks.

    Raises:
        PlaitError: a prepared file is missing or is no JSONL; names file and line.
    """
    names = sorted({task.dataset for task in tasks})
    read = [
        read_prepared(folder, name, [task for task in tasks if task.dataset == name])
        for name in names
    ]
    compared = compare(read, limits.near_duplicate, limits.short_words, together)
    found = []
    for data in read:
        tables = build_tables(data, compared, (accepted or {}).get(data.name))
        others = [name for name in known_to(data.name, together) if name != data.name]
        others = [name for name in others if name in names]
        checks = declare(data, tables, limits, others)
        found.append(Dataset(data, tables, checks, compared.matches))
    return found
