"""Run all checks on the prepared data of an experiment."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plait.leakage.leaks import MixtureDatasets, leaks
from plait.progress import Progress
from plait.tasks import Task
from plait.validation.clusters import clusters
from plait.validation.datasets import read_datasets
from plait.validation.drift import Profile
from plait.validation.engine import Result, judge, run_checks
from plait.validation.figures import Figures, figures
from plait.validation.prepared import PreparedDataset, read_quarantine
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
    texts = {each.data.name: _texts(each.data) for each in datasets}
    with Progress(len(datasets), "validate", "dataset") as bar:
        for each in datasets:
            name = each.data.name
            results += judge(name, each.checks, run_checks(each.checks, each.tables), each.tables)
            examples = clusters(name, each.matches, texts)
            figures_of[name] = figures(each, read_quarantine(folder, name), examples)
            bar.update()
    leaked = leaks(datasets[0].matches, mixtures) if datasets else {}
    return Report(tuple(results), figures_of, leaked, texts)


def _texts(data: PreparedDataset) -> dict[str, str | None]:
    """Name of a row of train or dev → its text."""
    return {line.name: line.text for _, lines in data.readable_splits() for line in lines}
