"""The outcome of a validation: results, figures, a verdict in one sentence, and its files."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from plait.errors import PlaitError
from plait.files import atomic_folder, write_json
from plait.pages import render
from plait.validation.engine import Result
from plait.validation.pictures import length_picture, support_picture
from plait.validation.prepared import Prepared
from plait.validation.rules import Severity
from plait.validation.tables import Tables

NAMED = 5
"""Critical failures that an error message spells out."""


@dataclass(frozen=True)
class Figures:
    """What a dataset looks like: rows per split, rows (spans) per label of each task, rows per
    length of text. A length class holds the texts of `least` to `2 × least - 1` characters.
    """

    rows: Mapping[str, int]
    support: Mapping[str, Sequence[Mapping[str, Any]]]
    lengths: Sequence[Mapping[str, int]]


@dataclass(frozen=True)
class Report:
    """Every result, in the order of the checks, and the figures of each dataset."""

    results: tuple[Result, ...]
    figures: Mapping[str, Figures]

    def failed(self, severity: Severity, dataset: str | None = None) -> list[Result]:
        """Failed results of a severity."""
        return [
            result
            for result in self.results
            if not result.passed
            and result.severity == severity
            and dataset in (None, result.dataset)
        ]

    @property
    def verdict(self) -> Literal["passed", "warnings", "failed"]:
        """`failed` stops the graph; `warnings` do not."""
        if self.failed("critical"):
            return "failed"
        return "warnings" if self.failed("warning") else "passed"

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        critical, warnings = len(self.failed("critical")), len(self.failed("warning"))
        checks = f"{len(self.results)} checks on {_number(len(self.figures), 'dataset')}"
        if critical:
            return (
                f"Failed: of {checks}, {_number(critical, 'critical check')} failed, and "
                f"{_number(warnings, 'warning')} besides. Nothing is trained on this data."
            )
        if warnings:
            return f"Passed with {_number(warnings, 'warning')}, of {checks}."
        return f"Passed: all of {checks} hold."

    def as_json(self) -> dict[str, Any]:
        """As report.json holds it."""
        return {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "results": [result.as_json() for result in self.results],
            "datasets": {name: asdict(figures) for name, figures in self.figures.items()},
        }

    def raise_if_failed(self, page: Path) -> None:
        """Stop on a critical failure.

        Raises:
            PlaitError: names dataset, rule, count and sample row ids of the first failures.
        """
        failures = self.failed("critical")
        if failures:
            lines = [f"  {_failure(result)}" for result in failures[:NAMED]]
            if len(failures) > NAMED:
                lines.append(f"  and {len(failures) - NAMED} more")
            raise PlaitError("\n".join([self.sentence, *lines, f"See {page}."]))


def figures(data: Prepared, tables: Tables) -> Figures:
    """The figures of one dataset."""
    return Figures(
        rows={"train": len(data.train), "dev": len(data.dev), "heldout": len(data.heldout)},
        support={
            task.name: [
                {str(key): value for key, value in row.items()}
                for row in tables[f"support/{task.name}"].to_dict("records")
            ]
            for task in data.tasks
        },
        lengths=_lengths(tables["train"], tables["dev"]),
    )


def write_report(report: Report, folder: Path) -> None:
    """Write report.json and index.html, and gate.json where nothing critical failed.

    gate.json is constant: what is trained depends on the verdict, not on the figures.
    """
    with atomic_folder(folder) as partial:
        write_json(partial / "report.json", report.as_json())
        page = render(
            "validation.html",
            report=report,
            datasets=[_section(report, name) for name in report.figures],
        )
        (partial / "index.html").write_text(page, encoding="utf-8")
        if report.verdict != "failed":
            write_json(partial / "gate.json", {"passed": True})


def _section(report: Report, name: str) -> dict[str, Any]:
    found = report.figures[name]
    return {
        "name": name,
        "rows": found.rows,
        "critical": report.failed("critical", name),
        "warnings": report.failed("warning", name),
        "passed": [r for r in report.results if r.passed and r.dataset == name],
        "lengths": length_picture(found.lengths),
        "support": {task: support_picture(rows) for task, rows in found.support.items()},
    }


def _failure(result: Result) -> str:
    named = f"{result.dataset}, rule {result.rule}, count {result.count:,}: {result.sentence}"
    return f"{named} For example: {', '.join(result.rows)}." if result.rows else named


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _lengths(train: pd.DataFrame, dev: pd.DataFrame) -> list[dict[str, int]]:
    splits = {"train": _length_classes(train), "dev": _length_classes(dev)}
    found = {power for counts in splits.values() for power in counts}
    return [
        {"least": 1 << power, **{name: counts.get(power, 0) for name, counts in splits.items()}}
        for power in range(min(found, default=0), max(found, default=-1) + 1)
    ]


def _length_classes(rows: pd.DataFrame) -> dict[int, int]:
    """Texts per power of two of their length; an empty text counts as one character."""
    return Counter(max(1, len(text)).bit_length() - 1 for text in rows["text"].dropna())
