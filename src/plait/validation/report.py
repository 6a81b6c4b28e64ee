"""The validation report: results, figures, a verdict in one sentence, and the files."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from plait.errors import PlaitError
from plait.files import atomic_folder, write_json
from plait.pages.markdown import escape
from plait.pages.rendering import render
from plait.validation.clusters import Texts, shortened
from plait.validation.engine import Result, Severity
from plait.validation.figures import Figures
from plait.validation.gates import CandidateDatasets, write_gates
from plait.validation.pictures import length_picture, support_picture

NAMED = 5
"""Critical failures that the error message lists."""
LISTED = 50
"""Quarantined rows that the page lists; report.json lists all."""


@dataclass(frozen=True)
class Report:
    """The results and figures of a validation.

    Attributes:
        results: in the order of the checks.
        figures: by dataset.
        leaks: dataset → `exact` or `near` → ids of held-out rows (`plait.leakage.leaks`).
        texts: those of the rows that the page shows.
    """

    results: tuple[Result, ...]
    figures: Mapping[str, Figures]
    leaks: Mapping[str, Mapping[str, Sequence[str]]]
    texts: Texts

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
        """`failed` stops the candidates of `failed_datasets`; `warnings` stops none."""
        if self.failed("critical"):
            return "failed"
        return "warnings" if self.failed("warning") else "passed"

    @property
    def sentence(self) -> str:
        """The verdict and the number of quarantined rows in words."""
        return " ".join(filter(None, (self._outcome_sentence, self._quarantine_sentence)))

    @property
    def _quarantine_sentence(self) -> str:
        rows = [row for figures in self.figures.values() for row in figures.quarantine]
        rules = Counter(reason for row in rows for reason in row["reasons"])
        named = ", ".join(f"{rule} {count:,}" for rule, count in sorted(rules.items()))
        return f"{_number(len(rows), 'row')} in quarantine ({named})." if rows else ""

    @property
    def _outcome_sentence(self) -> str:
        critical, warnings = len(self.failed("critical")), len(self.failed("warning"))
        checks = f"{len(self.results)} checks on {_number(len(self.figures), 'dataset')}"
        if critical:
            return (
                f"Failed: of {checks}, {_number(critical, 'critical check')} failed, with "
                f"{_number(warnings, 'warning')}. Nothing is trained on {self._stopped_data}."
            )
        if warnings:
            return f"Passed with {_number(warnings, 'warning')}, of {checks}."
        return f"Passed: all {checks} passed."

    @property
    def _stopped_data(self) -> str:
        names = self.failed_datasets
        return "this data" if len(names) == len(self.figures) else " and ".join(sorted(names))

    @property
    def failed_datasets(self) -> frozenset[str]:
        """The datasets of which a critical check failed."""
        return frozenset(self.failed_rules)

    @property
    def failed_rules(self) -> dict[str, list[str]]:
        """By dataset, the rules of which a critical check failed, sorted."""
        failures = {(result.dataset, result.rule) for result in self.failed("critical")}
        return {
            name: sorted(rule for dataset, rule in failures if dataset == name)
            for name in dict(sorted(failures))
        }

    def as_json(self) -> dict[str, Any]:
        """As report.json holds it."""
        return {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "results": [result.as_json() for result in self.results],
            "datasets": {name: asdict(figures) for name, figures in self.figures.items()},
        }

    def raise_if_failed(self, page: Path, candidates: CandidateDatasets) -> None:
        """Stop on a critical failure, unless it concerns no dataset of some candidate.

        Raises:
            PlaitError: names dataset, rule, count and sample row ids of the first failures.
        """
        going_on = [n for n, used in candidates.items() if self.failed_datasets.isdisjoint(used)]
        if self.failed("critical") and not going_on:
            raise PlaitError("\n".join([self.sentence, *self.named_failures(), f"See {page}."]))

    def named_failures(self) -> list[str]:
        """Lines about the first critical failures."""
        failures = self.failed("critical")
        lines = [f"  {_failure(result)}" for result in failures[:NAMED]]
        if len(failures) > NAMED:
            lines.append(f"  and {len(failures) - NAMED} more")
        return lines


def write_report(report: Report, folder: Path, candidates: CandidateDatasets) -> None:
    """Write report.json, index.html, summary.md, leaks.json and gates/CANDIDATE.json.

    A gate says whether a critical check of the candidate's datasets failed.
    leaks.json holds ids of held-out rows: `{DATASET: {"exact": [id, …], "near": [id, …]}}`
    (`plait.leakage.leaks`).
    """
    with atomic_folder(folder) as partial:
        write_json(partial / "report.json", report.as_json())
        write_json(partial / "leaks.json", report.leaks)
        (partial / "index.html").write_text(page(report), encoding="utf-8")
        (partial / "summary.md").write_text(summary(report), encoding="utf-8")
        write_gates(partial / "gates", candidates, report.failed_rules)


def page(report: Report) -> str:
    """The report as one self-contained HTML page."""
    sections = [_section(report, name) for name in report.figures]
    return render("validation.html", report=report, datasets=sections)


def summary(report: Report) -> str:
    """The verdict and the failures in Markdown."""
    failures = [*report.failed("critical"), *report.failed("warning")]
    lines = [
        f"- **{r.severity}** {escape(r.dataset)}, `{r.rule}`: {escape(r.sentence)}"
        for r in failures
    ]
    return "\n".join([f"**{report.sentence}**", "", *lines, ""])


def _section(report: Report, name: str) -> dict[str, Any]:
    figures, samples = report.figures[name], _samples(report, name)
    return {
        "name": name,
        "rows": figures.rows,
        "critical": report.failed("critical", name),
        "warnings": report.failed("warning", name),
        "passed": [r for r in report.results if r.passed and r.dataset == name],
        "samples": samples,
        "anchors": {row: f"{name}-row-{place}" for place, (row, _) in enumerate(samples)},
        "quarantine": figures.quarantine[:LISTED],
        "quarantined": len(figures.quarantine),
        "clusters": figures.clusters,
        "leaks": report.leaks.get(name, {"exact": (), "near": ()}),
        "lengths": length_picture(figures.lengths),
        "support": {task: support_picture(rows) for task, rows in figures.support.items()},
    }


def _samples(report: Report, name: str) -> list[tuple[str, str]]:
    """The rows that failures of a dataset name, and the beginning of their texts."""
    failed = [*report.failed("critical", name), *report.failed("warning", name)]
    named = dict.fromkeys(row for result in failed for row in result.rows)
    texts = report.texts.get(name, {})
    return [(row, shortened(texts[row] or "")) for row in named if row in texts]


def _failure(result: Result) -> str:
    named = f"{result.dataset}, rule {result.rule}, count {result.count:,}: {result.sentence}"
    return f"{named} For example: {', '.join(result.rows)}." if result.rows else named


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
