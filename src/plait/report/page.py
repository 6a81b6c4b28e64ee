"""The report's files: page, text, records, summary, pictures and complete.json."""

from collections.abc import Iterator
from importlib.metadata import version
from itertools import starmap
from pathlib import Path
from typing import Any

from plait.files import atomic_folder, dump_json, write_json
from plait.pages.markdown import escape
from plait.pages.rendering import render
from plait.plans.gates import Gate
from plait.plans.wording import RULE
from plait.report.compared import non_inferiority_table, tables
from plait.report.confusion import confusion_layout, top_confusions
from plait.report.coverage import HEAD, NOTE, TITLE, covered
from plait.report.gates import HEAD as GATES_HEAD
from plait.report.gates import gate_lines, gates_markdown
from plait.report.pictures import (
    curves_picture,
    reliability_picture,
    scores_picture,
    tradeoff_picture,
)
from plait.report.results import Measured, Results, Service, records
from plait.report.summary import summary
from plait.report.tables import METRIC_NAMES, cell, markdown, ratio_words, service_table
from plait.scores.intervals import Estimate

PACKAGES = (
    "plait",
    "torch",
    "onnxruntime",
    "transformers",
    "scikit-learn",
    "numpy",
    "datasets",
    "dvc",
)
NOTES = (
    "Quality on held-out rows, in percent, with 95 % score intervals (Wilson's): they cover the "
    "choice of rows, not the choice of seed. Macro-F1 is over the labels that occur in gold or "
    "predictions; its interval covers the mean over samples of as many rows. Macro-F1 over all "
    "possible rows may differ by points where labels have few rows. "
    "Span F1 is micro and strict (start, end and type); exact match is the share of rows where "
    "every task is right. Leak-free rows are those whose text stands neither in train nor in dev.",
    "Differences are first minus second in points, by paired bootstrap over the rows that both "
    "answered, never narrower than the jackknife's interval; p is two-sided for no difference, "
    "McNemar's p is exact, Holm's is corrected over all lines of the table. Non-inferior: the "
    "one-sided 95 % interval, never narrower than the share that so many rows can miss, excludes a "
    "loss as large as the margin. For a mean over seeds it covers the choice of rows, with these "
    "seeds; standard deviations and intervals over seeds cover the choice of seed, on these rows.",
    RULE,
    "A request is one text, answered for all tasks of the service. All plans of a service are "
    "timed in turns in one process on one machine; several models in sequence, and in parallel "
    "with a thread a model and the cores shared evenly. Energy is an estimate: the processor's "
    "time at 10 W a core. Parameters, size on disk and memory (a process a model) are sums. "
    "Training time is that of the last run of the stage on this machine, where it is known.",
    "Behavioural tests compare the answers before and after a change of the text, right or wrong.",
)
SEVERAL = (
    "Where several labels may apply to a row, micro-F1 is over all labels of all rows, and a row "
    "is right, for exact match, if all its labels are and no other is answered. A table by label "
    "counts rows by where the label stands: in both gold and answer, in one of them, in neither."
)
GATES_TITLE = "Gates (those on time and memory are judged where a plan is promoted)"
STOPPED = "Stopped by validation, so not trained and not compared"
UNITS = {"classification": "class", "multilabel": "label", "tagging": "span type"}
ANSWERED = {
    "classification": "answers",
    "multilabel": "answered labels",
    "tagging": "answered spans",
}


def write_report(results: Results, folder: Path) -> None:
    """Write the report's folder, whole or not at all.

    complete.json is constant for a set of candidates: it says which of them were timed, and which
    validation stopped, and carries nothing that can't be repeated.
    """
    with atomic_folder(folder) as partial:
        for service in results.services:
            for name, drawn in pictures(service).items():
                (partial / f"{name}-{service.name}.svg").write_text(drawn, encoding="utf-8")
        (partial / "index.html").write_text(page(results), encoding="utf-8")
        (partial / "report.md").write_text(text(results), encoding="utf-8")
        (partial / "records.json").write_bytes(dump_json({"records": list(records(results))}))
        write_json(partial / "summary.json", summary(results))
        complete = {"timed": sorted(results.candidates), "stopped": results.stopped}
        write_json(partial / "complete.json", complete)


def pictures(service: Service) -> dict[str, str]:
    """A service's pictures as SVG, by name; none where all its plans are out."""
    if not service.plans:
        return {}
    return {"scores": scores_picture(service), "tradeoff": tradeoff_picture(service)}


def page(results: Results) -> str:
    """One HTML page with everything in it."""
    return render(
        "report.html",
        results=results,
        services=[_service_section(service) for service in results.services],
        candidates=[_candidate(name, found) for name, found in results.candidates.items()],
        tables=tables(results),
        coverage={"title": TITLE, "head": HEAD, "note": NOTE, "found": covered(results)},
        stopped=STOPPED,
        looks=looks_words(results),
        notes=_notes(results),
        versions=versions(),
    )


def _notes(results: Results) -> tuple[str, ...]:
    """How to read the report; what is about several labels only where a task has them."""
    parts = [part for c in results.candidates.values() for part in c.details["tasks"].values()]
    return (*NOTES, SEVERAL) if any(part["kind"] == "multilabel" for part in parts) else NOTES


def versions() -> dict[str, str]:
    """Versions of the packages that figures depend on."""
    return {name: version(name) for name in PACKAGES}


def _service_section(service: Service) -> dict[str, Any]:
    return {
        "found": service,
        "table": service_table(service),
        "tests": non_inferiority_table(service),
        "gates": (GATES_TITLE, GATES_HEAD, gate_lines(gates_of(service))),
        "ratios": [ratio_words(ratio) for ratio in service.requests["ratios"]],
        "pictures": pictures(service),
    }


def gates_of(service: Service) -> list[Gate]:
    """The gates of all plans that are the same on every machine."""
    return [gate for gates in service.verdict.gates.values() for gate in gates]


def _candidate(name: str, measured: Measured) -> dict[str, Any]:
    parts = measured.details["tasks"].items()
    return {
        "name": name,
        "tasks": [_task(measured, task, part) for task, part in parts],
        "remarks": _remarks(name, measured),
        "training": curves_picture(measured.curves, name) if measured.curves else None,
    }


def _remarks(name: str, measured: Measured) -> str:
    """Counts of written answers of a generative model; empty for other models."""
    found = measured.details["remarks"].items()
    counts = ", ".join(f"{key.replace('_', ' ')} {count:,}" for key, count in found)
    return f"{name}, written answers: {counts}." if counts else ""


def _task(measured: Measured, task: str, part: dict[str, Any]) -> dict[str, Any]:
    labels, counts = part["confusion"]["labels"], part["confusion"]["counts"]
    found = part["calibration"]
    name = f"reliability-{measured.details['candidate'].replace('+', '_')}-{task}"
    return {
        "name": task,
        "n": part["n"],
        "headline": METRIC_NAMES[part["headline"]],
        "metrics": [(METRIC_NAMES[m], cell(e)) for m, e in measured.metrics(task).items()],
        "unit": UNITS[part["kind"]],
        "answered": ANSWERED[part["kind"]],
        "cardinality": part.get("cardinality"),
        "classes": part["classes"],
        "confusion": confusion_layout(labels, counts) if labels else None,
        "confused": top_confusions(labels, counts),
        "mistakes": [_mistake(mistake, part["kind"]) for mistake in measured.mistakes[task]],
        "calibration": found,
        "reliability": reliability_picture(found, name) if found else None,
        "slices": [_slice(part["headline"], each) for each in part["slices"]],
        "behaviour": [
            (each["test"], cell(Estimate.from_json(each)), each["n"]) for each in part["behaviour"]
        ],
    }


def _slice(metric: str, part: dict[str, Any]) -> tuple[str, str, int, Any]:
    return part["by"], part["slice"], part["n"], cell(Estimate.from_json(part["metrics"][metric]))


def _mistake(mistake: Any, kind: str) -> dict[str, Any]:
    shown = {key: _in_words(mistake[key], mistake["text"], kind) for key in ("gold", "answer")}
    return {**mistake, **shown}


def _in_words(value: Any, text: str, kind: str) -> str:
    """A label, several labels, or each span's type and words."""
    if isinstance(value, str):
        return value
    if kind == "multilabel":
        return "; ".join(value) or "no labels"
    return "; ".join(f"{label}: {text[start:end]}" for start, end, label in value) or "no spans"


def looks_words(results: Results) -> str:
    """How often the held-out rows were reused."""
    counts = ", ".join(f"{task} {count}" for task, count in results.looks.items())
    return (
        f"Held-out reuse: models scored on these rows in this working copy since they were pinned: "
        f"{counts}. The more models are compared on the same rows, the more the best score "
        "overestimates what new rows would show."
    )


def text(results: Results) -> str:
    """The report in Markdown, for terminals and pull requests."""
    return "\n\n".join(_paragraphs(results)) + "\n"


def _paragraphs(results: Results) -> Iterator[str]:
    yield "# Benchmark"
    if results.stopped:
        yield f"{STOPPED}:"
        yield "\n".join(f"- {escape(f'{n}: {why}')}" for n, why in results.stopped.items())
    for service in results.services:
        yield f"## Service {escape(service.name)}"
        # Our own words, with names that params.yaml has checked.
        yield f"**{service.verdict.sentence}**"
        if service.plans:
            yield _service_markdown(service)
        title, head, lines = non_inferiority_table(service)
        if lines:
            yield f"{title}:"
            yield markdown(head, lines)
        if gates := gates_of(service):
            yield f"{GATES_TITLE}:"
            yield gates_markdown(gates)
        if ratios := service.requests["ratios"]:
            yield "\n".join(f"- {escape(ratio_words(ratio))}" for ratio in ratios)
    for title, head, lines in tables(results):
        yield f"## {title}"
        yield markdown(head, lines)
    yield from _coverage(results)
    if remarks := list(filter(None, starmap(_remarks, results.candidates.items()))):
        yield "\n".join(f"- {escape(remark)}" for remark in remarks)
    yield "## How to read this"
    yield from _notes(results)
    yield escape(looks_words(results))
    yield _checks(results)
    yield escape(f"Measured on {'; '.join(results.machines())}.")
    yield f"Versions: {', '.join(f'{name} {found}' for name, found in versions().items())}."


def _coverage(results: Results) -> Iterator[str]:
    if found := covered(results):
        yield f"## {TITLE}"
        if found.lines:
            yield markdown(HEAD, found.lines)
            yield NOTE
        if found.sentence:
            yield escape(found.sentence)


def _service_markdown(service: Service) -> str:
    winner = service.verdict.winner
    plans = [f"{plan.name} (wins)" if plan.name == winner else plan.name for plan in service.plans]
    lines = [[line.name, line.n, *map(str, line.cells)] for line in service_table(service)]
    return markdown(["", "n", *plans], lines)


def _checks(results: Results) -> str:
    found = results.warnings()
    if not found:
        return "Data checks: all hold."
    lines = [escape(f"{c['dataset']}, {c['rule']}: {_sentence(c)}") for c in found]
    return "\n- ".join(["Data checks that did not hold:\n", *lines])


def _sentence(check: Any) -> str:
    return str(check.get("sentence") or f"{check.get('count', '?')} found")
