"""All checks of an experiment's prepared data, run and judged."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plait.leakage.leaks import Together, leaks
from plait.progress import Progress
from plait.tasks import Task
from plait.validation.clusters import clusters
from plait.validation.datasets import read_datasets
from plait.validation.drift import Profile
from plait.validation.engine import Result, judge, run
from plait.validation.figures import Figures, figures
from plait.validation.prepared import Prepared, read_quarantine
from plait.validation.report import Report

if TYPE_CHECKING:
    from plait.experiment.schema import Validation


def validate(
    folder: Path,
    tasks: Sequence[Task],
    limits: "Validation",
    together: Together = (),
    accepted: Mapping[str, Profile] | None = None,
) -> Report:
    """Check the prepared data of all datasets that `tasks` ask.

    A task without labels has its set of labels closed by the rows of train. `together` are the
    sets of datasets that some candidate trains on; `accepted` the profiles of the last accepted
    data version, by dataset.

    Raises:
        PlaitError: a prepared file is missing or is no JSONL; names file and line.
    """
    results: list[Result] = []
    shown: dict[str, Figures] = {}
    datasets = read_datasets(folder, tasks, limits, together, accepted)
    texts = {each.data.name: _texts(each.data) for each in datasets}
    with Progress(len(datasets), "validate", "dataset") as bar:
        for each in datasets:
            name = each.data.name
            results += judge(name, each.checks, run(each.checks, each.tables), each.tables)
            examples = clusters(name, each.matches, texts)
            shown[name] = figures(each, read_quarantine(folder, name), examples)
            bar.update()
    found = leaks(datasets[0].matches, together) if datasets else {}
    return Report(tuple(results), shown, found, texts)


def _texts(data: Prepared) -> dict[str, str | None]:
    """The texts of train and dev by the name of the row."""
    return {line.name: line.text for _, lines in data.rows() for line in lines}
