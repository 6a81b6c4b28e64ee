"""What was measured, arranged by service and plan. Nothing here knows how it is shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plait.intervals import Estimate
from plait.plans import Verdict, answered_by, judge
from plait.scoring import exact_match

if TYPE_CHECKING:
    from plait.experiment import Experiment

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Measured:
    """One candidate's outputs: `scores/C.json`, `predictions/C/` and `timings/measured/C.json`.

    `predictions` maps a dataset to its lines.
    """

    scores: Json
    details: Json
    predictions: Mapping[str, Sequence[Json]]
    timing: Json

    def metrics(self, task: str) -> dict[str, Estimate]:
        """The estimates of one task, by metric."""
        found = self.details["tasks"][task]["metrics"]
        return {name: Estimate.from_json(value) for name, value in found.items()}


@dataclass(frozen=True)
class Cost:
    """What a plan's answers cost, its models one after the other, each in a process of its own.

    Latencies, parameters and memory are sums over its models; rows a second follow from the sum of
    the models' times. A sum of p95 is an upper bound of the p95 of the sum.
    """

    p50_ms: float
    p95_ms: float
    rows_per_second: float
    parameters: int
    peak_rss_mib: float
    texts: int


@dataclass(frozen=True)
class Plan:
    """A plan's quality by (task, metric), its exact match (None for one task) and its cost."""

    name: str
    candidates: tuple[str, ...]
    metrics: Mapping[tuple[str, str], Estimate]
    exact_match: Estimate | None
    cost: Cost


@dataclass(frozen=True)
class Service:
    """Plans side by side, and which of them wins."""

    name: str
    tasks: tuple[str, ...]
    plans: tuple[Plan, ...]
    verdict: Verdict
    floor: str | None


@dataclass(frozen=True)
class Results:
    """All that the report shows. `checks` are the results of the data validation."""

    services: tuple[Service, ...]
    candidates: Mapping[str, Measured]
    tasks: Mapping[str, tuple[str, ...]]
    checks: tuple[Json, ...]

    def warnings(self) -> list[Json]:
        """Data checks that did not hold."""
        return [check for check in self.checks if not check.get("passed", True)]

    def machines(self) -> list[str]:
        """The machines that figures of time and memory come from: one, or they don't compare."""
        found = (machine_words(m.timing["machine"]) for m in self.candidates.values())
        return list(dict.fromkeys(found))


def collect(
    experiment: "Experiment", measured: Mapping[str, Measured], checks: Sequence[Json] = ()
) -> Results:
    """Arrange what was measured; `measured` covers every candidate of the experiment.

    Raises:
        PlaitError: a score that a service is judged by is missing.
    """
    return Results(
        tuple(_service(experiment, name, measured) for name in experiment.services),
        {name: measured[name] for name in experiment.candidates},
        {name: candidate.tasks for name, candidate in experiment.candidates.items()},
        tuple(checks),
    )


def _service(experiment: "Experiment", name: str, measured: Mapping[str, Measured]) -> Service:
    settings = experiment.services[name]
    return Service(
        name,
        settings.tasks,
        tuple(
            _plan(experiment, settings.tasks, plan, candidates, measured)
            for plan, candidates in settings.plans.items()
        ),
        judge(experiment, name, {key: value.scores for key, value in measured.items()}),
        settings.floor,
    )


def _plan(
    experiment: "Experiment",
    tasks: Sequence[str],
    name: str,
    candidates: tuple[str, ...],
    measured: Mapping[str, Measured],
) -> Plan:
    answering = {task: measured[answered_by(experiment, candidates, task)] for task in tasks}
    datasets = {experiment.tasks[task].dataset for task in tasks}
    correct = [
        _correct(answering[task].predictions[experiment.tasks[task].dataset], task)
        for task in tasks
    ]
    return Plan(
        name,
        candidates,
        {
            (task, metric): estimate
            for task in tasks
            for metric, estimate in answering[task].metrics(task).items()
        },
        joined_exact_match(correct),
        _cost([measured[candidate].timing for candidate in candidates], datasets),
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


def _cost(timings: Sequence[Json], datasets: set[str]) -> Cost:
    """Sum over the models; of several datasets a model's slowest counts."""
    found = [[t["datasets"][name] for name in datasets & set(t["datasets"])] for t in timings]
    return Cost(
        p50_ms=sum(max(d["p50_ms"] for d in model) for model in found),
        p95_ms=sum(max(d["p95_ms"] for d in model) for model in found),
        rows_per_second=1 / sum(max(1 / d["rows_per_second"] for d in model) for model in found),
        parameters=sum(t["parameters"] for t in timings),
        peak_rss_mib=sum(t["memory"]["peak_rss_mib"] for t in timings),
        texts=min(d["texts"] for model in found for d in model),
    )


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
    match, where `candidate` names them all, separated by commas. Values are 0–1.
    """
    for name, measured in results.candidates.items():
        for task in results.tasks[name]:
            for metric, estimate in measured.metrics(task).items():
                yield _record(results, (name,), task, metric, estimate)
        if joint := measured.details["joint"]:
            for metric, value in joint["metrics"].items():
                task = "+".join(results.tasks[name])
                yield _record(results, (name,), task, metric, Estimate.from_json(value))
    for service in results.services:
        for plan in service.plans:
            if plan.exact_match and len(plan.candidates) > 1:
                task = "+".join(service.tasks)
                yield _record(results, plan.candidates, task, "exact_match", plan.exact_match)


def _record(
    results: Results, candidates: Sequence[str], task: str, metric: str, estimate: Estimate
) -> dict[str, Any]:
    machines = (results.candidates[name].timing["machine"] for name in candidates)
    return {
        "candidate": ",".join(candidates),
        "tasks": [task for name in candidates for task in results.tasks[name]],
        "task": task,
        "metric": metric,
        **estimate.as_json(),
        "seed": results.candidates[candidates[0]].details["seed"],
        "command": "dvc repro " + " ".join(f"benchmark@{name}" for name in candidates),
        "machine": "; ".join(dict.fromkeys(map(machine_words, machines))),
    }
