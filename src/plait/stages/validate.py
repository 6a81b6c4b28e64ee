"""prepared → validation/{report.json, index.html}, and gate.json unless a check is critical."""

from pathlib import Path

from plait import experiment
from plait.stages import run
from plait.tasks import Task
from plait.validation import Report, write_report
from plait.validation import validate as validate_prepared

PAGE = Path("validation/index.html")


def report() -> Report:
    """Check what was prepared and write the report, whatever its verdict."""
    settings = experiment.load()
    tasks = [
        Task(name, task.dataset, task.kind, task.field, task.labels or (), task.headline())
        for name, task in settings.tasks.items()
    ]
    found = validate_prepared(Path("prepared"), tasks, settings.validation)
    write_report(found, PAGE.parent)
    return found


def validate() -> None:
    found = report()
    print(found.sentence)
    found.raise_if_failed(PAGE)


if __name__ == "__main__":
    run(validate)
