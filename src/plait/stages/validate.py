"""prepared → validation/{report.json, leaks.json, index.html, summary.md, gates/CANDIDATE.json}."""

from pathlib import Path

from plait.experiment import loading
from plait.stages import run
from plait.validation.accepted import read_accepted
from plait.validation.report import Report, write_report
from plait.validation.validating import validate as validate_prepared

PAGE = Path("validation/index.html")
ACCEPTED = Path("accepted.json")


def report() -> Report:
    """Check what was prepared and write the report, whatever its verdict."""
    settings = loading.load()
    found = validate_prepared(
        Path("prepared"),
        settings.declared_tasks(),
        settings.validation,
        settings.mixture_datasets(),
        read_accepted(ACCEPTED),
    )
    write_report(found, PAGE.parent, settings.candidate_datasets())
    return found


def validate() -> None:
    found = report()
    print(found.sentence)
    found.raise_if_failed(PAGE, loading.load().candidate_datasets())
    for line in found.named_failures():
        print(line)


if __name__ == "__main__":
    run(validate)
