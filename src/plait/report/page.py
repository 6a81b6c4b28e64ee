"""The report's files: index.html, report.md, records.json, pictures and complete.json."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from plait.files import atomic_folder, dump_json, write_json
from plait.pages import render
from plait.report.confusion import confusion_layout, top_confusions
from plait.report.pictures import scores_picture, tradeoff_picture
from plait.report.results import Measured, Results, Service, records
from plait.report.tables import METRIC_NAMES, cell, markdown, service_table

PACKAGES = ("plait", "torch", "transformers", "scikit-learn", "numpy", "datasets", "dvc")
NOTES = (
    "Quality on held-out rows, in percent, with 95 % intervals by bootstrap over rows: they cover "
    "the choice of rows, not the choice of seed. Macro-F1 is over the labels that occur in gold or "
    "predictions; span F1 is micro and strict (start, end and type); exact match is the share of "
    "rows where every task is right.",
    "A plan of several models is timed as its models one after the other: latencies, parameters "
    "and memory (a process per model) are sums; a sum of p95 is an upper bound.",
)


def write_report(results: Results, folder: Path) -> None:
    """Write the report's folder, whole or not at all.

    complete.json is constant for a set of candidates: it says that all of them were timed, and
    carries nothing that can't be repeated.
    """
    with atomic_folder(folder) as partial:
        for service in results.services:
            for name, drawn in pictures(service).items():
                (partial / f"{name}-{service.name}.svg").write_text(drawn, encoding="utf-8")
        (partial / "index.html").write_text(page(results), encoding="utf-8")
        (partial / "report.md").write_text(text(results), encoding="utf-8")
        (partial / "records.json").write_bytes(dump_json({"records": list(records(results))}))
        write_json(partial / "complete.json", {"timed": sorted(results.candidates)})


def pictures(service: Service) -> dict[str, str]:
    """A service's pictures as SVG, by name."""
    return {"scores": scores_picture(service), "tradeoff": tradeoff_picture(service)}


def page(results: Results) -> str:
    """One HTML page with everything in it."""
    return render(
        "report.html",
        results=results,
        services=[_service_section(service) for service in results.services],
        candidates=[_candidate(name, found) for name, found in results.candidates.items()],
        notes=NOTES,
        versions=versions(),
    )


def versions() -> dict[str, str]:
    """Versions of the packages that figures depend on."""
    return {name: version(name) for name in PACKAGES}


def _service_section(service: Service) -> dict[str, Any]:
    return {"found": service, "table": service_table(service), "pictures": pictures(service)}


def _candidate(name: str, measured: Measured) -> dict[str, Any]:
    parts = measured.details["tasks"].items()
    return {"name": name, "tasks": [_task(measured, task, part) for task, part in parts]}


def _task(measured: Measured, task: str, part: dict[str, Any]) -> dict[str, Any]:
    labels, counts = part["confusion"]["labels"], part["confusion"]["counts"]
    return {
        "name": task,
        "n": part["n"],
        "metrics": [(METRIC_NAMES[m], cell(e)) for m, e in measured.metrics(task).items()],
        "classes": part["classes"],
        "confusion": confusion_layout(labels, counts) if labels else None,
        "mistakes": top_confusions(labels, counts),
    }


def text(results: Results) -> str:
    """The report in Markdown, for terminals and pull requests."""
    return "\n\n".join(_paragraphs(results)) + "\n"


def _paragraphs(results: Results) -> Iterator[str]:
    yield "# Benchmark"
    for service in results.services:
        yield f"## Service {service.name}"
        yield f"**{service.verdict.sentence}**"
        yield _service_markdown(service)
    yield from NOTES
    yield _checks(results)
    yield f"Measured on {'; '.join(results.machines())}."
    yield f"Versions: {', '.join(f'{name} {found}' for name, found in versions().items())}."


def _service_markdown(service: Service) -> str:
    winner = service.verdict.winner
    plans = [f"{plan.name} (wins)" if plan.name == winner else plan.name for plan in service.plans]
    lines = [[line.name, line.n, *map(str, line.cells)] for line in service_table(service)]
    return markdown(["", "n", *plans], lines)


def _checks(results: Results) -> str:
    found = results.warnings()
    if not found:
        return "Data checks: all hold."
    lines = "".join(f"\n- {c['dataset']}, {c['rule']}: {_sentence(c)}" for c in found)
    return f"Data checks that did not hold:\n{lines}"


def _sentence(check: Any) -> str:
    return str(check.get("sentence") or f"{check.get('count', '?')} found")
