"""Validation: what the tasks of an experiment expect of its prepared data.

tasks → checks (rules on tables) → great-expectations → results, judged → report.json, index.html
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plait.progress import Progress
from plait.tasks import Task
from plait.validation.checks import declare
from plait.validation.engine import Result, judge, run
from plait.validation.prepared import read_prepared
from plait.validation.report import Figures, Report, figures, write_report
from plait.validation.tables import build_tables

if TYPE_CHECKING:
    from plait.experiment import Validation

__all__ = ["Figures", "Report", "Result", "validate", "write_report"]


def validate(folder: Path, tasks: Sequence[Task], limits: "Validation") -> Report:
    """Check the prepared data of all datasets that `tasks` ask.

    A task without labels has its set of labels closed by the rows of train.

    Raises:
        PlaitError: a prepared file is missing or is no JSONL; names file and line.
    """
    results: list[Result] = []
    shown: dict[str, Figures] = {}
    names = sorted({task.dataset for task in tasks})
    with Progress(len(names), "validate", "dataset") as bar:
        for name in names:
            data = read_prepared(folder, name, [task for task in tasks if task.dataset == name])
            tables = build_tables(data)
            checks = declare(data, tables, limits)
            results += judge(name, checks, run(checks, tables), tables)
            shown[name] = figures(data, tables)
            bar.update()
    return Report(tuple(results), shown)
