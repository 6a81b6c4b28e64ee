"""The model card of a service's plan, in the Hub's format: YAML for machines, Markdown for people.

It is made from a record and its bundles alone, so it can be made again at any time.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from plait.approaches.base import Resolved
from plait.pages.markdown import escape
from plait.registry.records import Record

Bundles = Mapping[str, Resolved]
"""Candidate → what its bundle says of it."""
KEPT = ("dataset", "kind", "headline", "n", "metrics", "slices", "behaviour")
HUB_TASKS = {
    "classification": "text-classification",
    "multilabel": "text-classification",
    "tagging": "token-classification",
}
NAMES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro-F1",
    "micro_f1": "Micro-F1",
    "span_f1": "Span F1",
    "exact_match": "Exact match",
}


def shown(details: Mapping[str, Any]) -> dict[str, Any]:
    """What a card shows of a task, from `predictions/CANDIDATE/details.json`."""
    calibration = details.get("calibration")
    kept = {key: details[key] for key in KEPT if key in details}
    return {**kept, "ece": calibration["ece"] if calibration else None}


def card(record: Record, bundles: Bundles) -> str:
    """The model card of a record's plan.

    Args:
        bundles: each of its candidates.
    """
    parts = (
        _head(record),
        _answers(record, bundles),
        _scores(record),
        _slices(record),
        _decision(record),
        _origin(record, bundles),
        _limits(record),
        _load(record),
    )
    return f"---\n{_metadata(record)}\n---\n\n" + "\n".join(parts)


def _metadata(record: Record) -> str:
    kinds = dict.fromkeys(HUB_TASKS[found["kind"]] for found in record.measured.values())
    data = ModelCardData(
        model_name=record.service,
        library_name="plait",
        pipeline_tag=next(iter(kinds), None),
        tags=["plait", *kinds],
        datasets=sorted({found["dataset"] for found in record.measured.values()}),
        eval_results=list(_results(record)) or None,
    )
    return data.to_yaml()


def _results(record: Record) -> Iterator[EvalResult]:
    """One result a metric; a data set has no revision but the sha256 of its held-out rows."""
    for task, found in record.measured.items():
        for metric, value in found["metrics"].items():
            yield EvalResult(
                task_type=HUB_TASKS[found["kind"]],
                task_name=task,
                dataset_type=found["dataset"],
                dataset_name=found["dataset"],
                dataset_split="heldout",
                dataset_revision=record.heldout[task],
                metric_type=metric,
                metric_name=NAMES.get(metric, metric),
                metric_value=value["value"],
            )


def _head(record: Record) -> str:
    tasks = ", ".join(map(escape, record.tasks))
    models = len(record.bundles)
    return (
        f"# {escape(record.service)}\n\nPlan {escape(record.plan or 'none')} of experiment "
        f"{escape(record.experiment or 'unknown')}: {models} model{'s' * (models != 1)} for "
        f"{tasks}. Record {record.number}, {record.time}.\n"
    )


def _answers(record: Record, bundles: Bundles) -> str:
    lines = ["## What it answers", "", "| task | kind | labels | model | backbone | approach |"]
    lines.append("|---|---|---|---|---|---|")
    for name, candidate in record.tasks.items():
        made = bundles[candidate]
        task = next(each for each in made.tasks if each.name == name)
        some = ", ".join(task.labels[:5]) + (", …" if len(task.labels) > 5 else "")
        cells = (name, task.kind, f"{len(task.labels)}: {some}", candidate, made.backbone)
        lines.append(f"| {' | '.join(map(escape, cells))} | {made.approach}, {made.method} |")
    return "\n".join([*lines, ""])


def _scores(record: Record) -> str:
    lines = ["## Scores on held-out rows", "", "With 95 % intervals.", ""]
    lines += ["| task | data | metric | n | value | interval |", "|---|---|---|---|---|---|"]
    for task, found in record.measured.items():
        for metric, value in found["metrics"].items():
            low, high = value["ci95"]
            lines.append(
                f"| {escape(task)} | {escape(found['dataset'])} | {NAMES.get(metric, metric)} | "
                f"{value['n']:,} | {_percent(value['value'])} | "
                f"{_percent(low)} to {_percent(high)} |"
            )
    errors = {task: found["ece"] for task, found in record.measured.items()}
    said = [f"{escape(t)} {v:.3f}" for t, v in errors.items() if v is not None]
    if said:
        lines += ["", f"Expected calibration error: {', '.join(said)}."]
    return "\n".join([*lines, ""])


def _slices(record: Record) -> str:
    lines = [
        "## Slices",
        "",
        "| task | by | slice | n | metric | value |",
        "|---|---|---|---|---|---|",
    ]
    empty = len(lines)
    for task, found in record.measured.items():
        metric = found["headline"]
        for part in found.get("slices", ()):
            if metric in part["metrics"]:
                cells = (task, part["by"], part["slice"], f"{part['n']:,}", metric)
                value = _percent(part["metrics"][metric]["value"])
                lines.append(f"| {' | '.join(map(escape, cells))} | {value} |")
    return "\n".join([*lines, ""]) if len(lines) > empty else ""


def _decision(record: Record) -> str:
    lines = ["## Why it was promoted", "", escape(record.reason), ""]
    if record.gates:
        lines += ["| plan | gate | value | limit | result |", "|---|---|---|---|---|"]
        lines += [f"| {' | '.join(map(escape, _gate(gate)))} |" for gate in record.gates]
        lines.append("")
    return "\n".join(lines)


def _gate(gate: Mapping[str, Any]) -> tuple[str, ...]:
    """The cells of a line of `plait.plans.gates`."""
    value, limit = (_figure(gate[name], gate["unit"]) for name in ("value", "limit"))
    side = "at least" if gate["bound"] == "least" else "at most"
    result = "passed" if gate["passed"] else "failed"
    return gate["plan"], gate["name"], value, f"{side} {limit}", result


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "not measured"
    return _percent(value) if unit == "share" else f"{value:g} {unit}"


def _origin(record: Record, bundles: Bundles) -> str:
    source, packages = record.source, record.environment.get("packages", {})
    lines = ["## Where it comes from", ""]
    for title, value in (
        ("git revision", source.get("revision")),
        ("altered files", ", ".join(source.get("changed") or ()) or None),
        ("sha256 of dvc.lock", source.get("dvc_lock")),
        ("sha256 of params.yaml", source.get("params")),
        ("promoted by", record.who),
        ("processor", record.environment.get("processor")),
        ("packages", ", ".join(f"{name} {found}" for name, found in packages.items())),
    ):
        if value:
            lines.append(f"- {title}: {escape(str(value))}")
    for task, rows in record.heldout.items():
        lines.append(f"- sha256 of the held-out rows of {escape(task)}: {rows}")
    for name, digest in record.bundles.items():
        seed = bundles[name].seed
        lines.append(f"- model {escape(name)}: seed {seed}, sha256 of its files {digest}")
    return "\n".join([*lines, ""])


def _limits(record: Record) -> str:
    tasks = ", ".join(map(escape, record.tasks))
    return (
        "## Limits\n\n"
        f"- It knows the labels above and no others: a text about something else gets one, too.\n"
        f"- Scores and intervals are of {tasks} on the held-out rows named above. Texts of another "
        "kind, language or time may score otherwise.\n"
        "- A text beyond the model's length is answered by the part that it reads; each reply says "
        "so (`truncated`).\n"
    )


def _load(record: Record) -> str:
    return (
        "## How to load it\n\n"
        "From this folder:\n\n```python\n"
        'import plait\n\nreply = plait.load(".").predict("some text")\n```\n\n'
        f"In a clone of the project: `plait pull {record.service}`, then "
        f'`plait predict "some text" --service {record.service}`.\n'
    )


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"
