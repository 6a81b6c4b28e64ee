"""Run all checks on the prepared data of an experiment."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plait.leakage.leaks import MixtureDatasets, leaks
from plait.progress import Progress
from plait.tasks import Task
from plait.validation.clusters import clusters
from plait.validation.datasets import CheckedDataset, read_datasets
from plait.validation.drift import Profile
from plait.validation.engine import Result, judge, run_checks
from plait.validation.figures import Figures, figures
from plait.validation.prepared import read_quarantine
from plait.validation.report import Report

if TYPE_CHECKING:
    from plait.experiment.schema import Validation


def validate(
    folder: Path,
    tasks: Sequence[Task],
    limits: "Validation",
    mixtures: MixtureDatasets = (),
    accepted: Mapping[str, Profile] | None = None,
) -> Report:
    """Check the prepared data of the datasets of all tasks.

    The label set of a task without `labels` is that of its training rows.

    Args:
        mixtures: the datasets of each mixture of several datasets.
        accepted: dataset → profile of the last accepted version.

    Raises:
        PlaitError: a prepared file is missing or is not JSONL; names file and line.
    """
    results: list[Result] = []
    figures_of: dict[str, Figures] = {}
    datasets = read_datasets(folder, tasks, limits, mixtures, accepted)
    with Progress(len(datasets), "validate", "dataset") as bar:
        for each in datasets:
            name = each.data.name
            results += judge(name, each.checks, run_checks(each.checks, each.tables), each.tables)
            examples = clusters(name, each.matches)
            figures_of[name] = figures(each, read_quarantine(folder, name), examples)
            bar.update()
    leaked = leaks(datasets[0].matches, mixtures) if datasets else {}
    texts = _texts(datasets, results, figures_of)
    shown = {name: each.with_texts(texts) for name, each in figures_of.items()}
    return Report(tuple(results), shown, leaked, texts)


def _texts(
    datasets: Sequence[CheckedDataset], results: Sequence[Result], figures_of: Mapping[str, Figures]
) -> dict[str, dict[str, str | None]]:
    """The texts that the report shows: of rows that a failure names, and of clusters."""
    wanted: dict[str, set[str]] = {each.data.name: set() for each in datasets}
    for result in results:
        if not result.passed:
            wanted[result.dataset].update(result.rows)
    for each in figures_of.values():
        for member in each.clusters.members():
            if member["split"] != "heldout":
                wanted[member["dataset"]].add(member["id"])
    return {each.data.name: each.data.texts(wanted[each.data.name]) for each in datasets}
