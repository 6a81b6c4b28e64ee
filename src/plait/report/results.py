"""What was measured, arranged by service and plan. Nothing here knows how it is shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plait.plans.gates import Evidence
from plait.plans.verdict import Verdict, answered_by, judge
from plait.report.comparisons import Comparisons, compare_all
from plait.report.costs import Cost, cost
from plait.report.dropped import DroppedLine, dropped
from plait.report.paper import PaperLine, paper_table
from plait.scores.intervals import Estimate
from plait.scores.row_results import RowResults, row_results
from plait.scores.scoring import exact_match
from plait.training.history import Curves

if TYPE_CHECKING:
    from plait.experiment.schema import Experiment

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Measured:
    """One candidate's outputs: its files in scores/, predictions/, timings/measured/ and curves/.

    `predictions` maps a dataset to its lines, `mistakes` a task to its surest ones.
    """

    scores: Json
    details: Json
    predictions: Mapping[str, Sequence[Json]]
    mistakes: Mapping[str, Sequence[Json]]
    timing: Json
    curves: Curves = field(default_factory=dict)

    def metrics(self, task: str) -> dict[str, Estimate]:
        """The estimates of one task, by metric."""
        return _estimates(self.details["tasks"][task]["metrics"])

    def leak_free(self, task: str) -> dict[str, Estimate]:
        """The same on rows that training has not seen; empty where that is not known."""
        for part in self.details["tasks"][task]["slices"]:
            if (part["by"], part["slice"]) == ("leak", "leak-free"):
                return _estimates(part["metrics"])
        return {}

    def pins(self) -> Mapping[str, str]:
        """Task → sha256 of its held-out rows."""
        pins: Mapping[str, str] = self.details["heldout"]
        return pins

    def row_results(self) -> dict[str, RowResults]:
        """Answers row by row, by task."""
        return {
            task: row_results(self.predictions[part["dataset"]], task)
            for task, part in self.details["tasks"].items()
        }


def _estimates(metrics: Json) -> dict[str, Estimate]:
    return {name: Estimate.from_json(value) for name, value in metrics.items()}


@dataclass(frozen=True)
class Plan:
    """A plan's quality by (task, metric), its exact match (None for one task) and its cost.

    `leak_free` has the same figures on the rows that training has not seen, where that is known;
    its exact match stands at `("", "exact_match")`.
    """

    name: str
    candidates: tuple[str, ...]
    metrics: Mapping[tuple[str, str], Estimate]
    exact_match: Estimate | None
    leak_free: Mapping[tuple[str, str], Estimate]
    cost: Cost


@dataclass(frozen=True)
class Service:
    """Plans side by side, and which of them wins. `requests` is `timings/requests/SERVICE.json`."""

    name: str
    tasks: tuple[str, ...]
    plans: tuple[Plan, ...]
    verdict: Verdict
    floor: str | None
    requests: Json


@dataclass(frozen=True)
class Results:
    """All that the report shows.

    `checks` are the results of the data validation; `looks` says by task how many models have been
    scored on its held-out rows since they were pinned; `stopped` says of each candidate that
    validation kept from training why; `dropped` counts the rows that its quarantine has taken.
    """

    services: tuple[Service, ...]
    candidates: Mapping[str, Measured]
    tasks: Mapping[str, tuple[str, ...]]
    comparisons: Comparisons
    paper: tuple[PaperLine, ...]
    checks: tuple[Json, ...]
    looks: Mapping[str, int]
    stopped: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[DroppedLine, ...] = ()

    def warnings(self) -> list[Json]:
        """Data checks that did not hold."""
        return [check for check in self.checks if not check.get("passed", True)]

    def machines(self) -> list[str]:
        """The machines that figures of time and memory come from: one, or they don't compare."""
        timed = [
            *(m.timing for m in self.candidates.values()),
            *(s.requests for s in self.services),
        ]
        return list(dict.fromkeys(machine_words(found["machine"]) for found in timed))


def collect(
    experiment: "Experiment",
    measured: Mapping[str, Measured],
    requests: Mapping[str, Json],
    validated: Json | None = None,
    looks: Mapping[str, int] | None = None,
    training: Mapping[str, float] | None = None,
    stopped: Mapping[str, str] | None = None,
) -> Results:
    """Arrange what was measured; `measured` covers every candidate that was not stopped.

    Args:
        requests: `timings/requests/SERVICE.json` by service.
        validated: `validation/report.json`.
        training: seconds by candidate, where they are known.
        stopped: candidates that validation kept from training, and why.

    Raises:
        PlaitError: a score that a service is judged by is missing.
    """
    checks = validated or {}
    results = checks.get("results", ())
    whole, experiment = experiment, experiment.without(stopped or {})
    rows = {name: measured[name].row_results() for name in experiment.candidates}
    scores = {key: value.scores for key, value in measured.items()}
    evidence = Evidence({key: value.details for key, value in measured.items()}, results)
    services = []
    for name in experiment.services:
        verdict = judge(whole, name, scores, rows, evidence, stopped)
        services.append(
            _service(experiment, name, measured, requests[name], verdict, training or {})
        )
    return Results(
        tuple(services),
        {name: measured[name] for name in experiment.candidates},
        {name: candidate.tasks for name, candidate in experiment.candidates.items()},
        compare_all(experiment, rows),
        tuple(paper_table(experiment, scores)),
        tuple(results),
        looks or {},
        stopped or {},
        tuple(dropped(checks.get("datasets", {}))),
    )


def _service(
    experiment: "Experiment",
    name: str,
    measured: Mapping[str, Measured],
    requests: Json,
    verdict: Verdict,
    training: Mapping[str, float],
) -> Service:
    settings = experiment.services[name]
    plans = tuple(
        _plan(
            experiment,
            settings.tasks,
            plan,
            candidates,
            measured,
            cost([measured[c].timing for c in candidates], requests["plans"][plan]).with_training(
                [training.get(c) for c in candidates]
            ),
        )
        for plan, candidates in settings.plans.items()
    )
    return Service(name, settings.tasks, plans, verdict, settings.floor, requests)


def _plan(
    experiment: "Experiment",
    tasks: Sequence[str],
    name: str,
    candidates: tuple[str, ...],
    measured: Mapping[str, Measured],
    spent: Cost,
) -> Plan:
    answering = {task: measured[answered_by(experiment, candidates, task)] for task in tasks}
    lines = {task: answering[task].predictions[experiment.tasks[task].dataset] for task in tasks}
    clean = {task: [line for line in lines[task] if line["leaked"] is False] for task in tasks}
    apart = joined_exact_match([_correct(clean[task], task) for task in tasks])
    return Plan(
        name,
        candidates,
        {(task, m): e for task in tasks for m, e in answering[task].metrics(task).items()},
        joined_exact_match([_correct(lines[task], task) for task in tasks]),
        {
            **{(task, m): e for task in tasks for m, e in answering[task].leak_free(task).items()},
            **({("", "exact_match"): apart} if apart else {}),
        },
        spent,
    )


def _correct(lines: Sequence[Json], task: str) -> dict[str, bool | None]:
    return {line["id"]: line["correct"][task] for line in lines}


def joined_exact_match(correct: Sequence[Mapping[str, bool | None]]) -> Estimate | None:
    """Exact match over tasks that may have been answered by different candidates.

    Args:
        correct: for each task, whether the row of that id is right (None: it has no label).

    Returns:
        The share over the rows that all tasks have; None for a single task or without such rows.
    """
    if len(correct) < 2:
        return None
    first, *others = correct
    shared = [row for row in first if all(row in other for other in others)]
    return exact_match([[answers[row] for row in shared] for answers in correct])


def machine_words(machine: Json) -> str:
    """A machine in one line."""
    parts = [
        machine["cpu"],
        f"{machine['cores']} cores",
        f"{machine['memory_gib']} GiB",
        machine["gpu"] or "no GPU",
        machine["system"],
        f"Python {machine['python']}",
        f"torch {machine['torch']}",
    ]
    return ", ".join(parts)


def records(results: Results) -> Iterator[dict[str, Any]]:
    """One record a candidate, task and metric, and one a plan of several candidates for its exact
    match, where `candidate` names them all, separated by commas. Values are 0–1. `rows` is `all`,
    or `leak-free` for those that training has not seen.
    """
    for name, measured in results.candidates.items():
        for task in results.tasks[name]:
            for rows, found in (("all", measured.metrics), ("leak-free", measured.leak_free)):
                for metric, estimate in found(task).items():
                    yield _record(results, (name,), task, metric, estimate, rows)
        yield from _joint_records(results, name, measured.details["joint"])
    for service in results.services:
        for plan in service.plans:
            if len(plan.candidates) > 1:
                exact = (plan.exact_match, plan.leak_free.get(("", "exact_match")))
                for rows, joined in zip(("all", "leak-free"), exact, strict=True):
                    if joined:
                        task = "+".join(service.tasks)
                        yield _record(results, plan.candidates, task, "exact_match", joined, rows)


def _joint_records(results: Results, name: str, joint: Json | None) -> Iterator[dict[str, Any]]:
    parts = {"all": joint["metrics"], "leak-free": joint["leak_free"]} if joint else {}
    for rows, metrics in parts.items():
        for metric, value in (metrics or {}).items():
            task = "+".join(results.tasks[name])
            yield _record(results, (name,), task, metric, Estimate.from_json(value), rows)


def _record(
    results: Results,
    candidates: Sequence[str],
    task: str,
    metric: str,
    estimate: Estimate,
    rows: str,
) -> dict[str, Any]:
    machines = (results.candidates[name].timing["machine"] for name in candidates)
    return {
        "candidate": ",".join(candidates),
        "tasks": [task for name in candidates for task in results.tasks[name]],
        "task": task,
        "metric": metric,
        "rows": rows,
        **estimate.as_json(),
        "seed": results.candidates[candidates[0]].details["seed"],
        "command": "dvc repro " + " ".join(f"benchmark@{name}" for name in candidates),
        "machine": "; ".join(dict.fromkeys(map(machine_words, machines))),
    }
