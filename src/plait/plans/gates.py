"""Gates: what every plan of a service must meet, whatever it is compared with.

Lines with a limit, in a table. Those of a verdict rest on what is the same on every machine: scores
and their slices, calibration, behavioural tests, data checks. Time and memory are judged where a
plan is promoted, by what was measured there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from plait.scores.differences import ROUNDING

if TYPE_CHECKING:
    from plait.experiment.schema import Experiment, Gates

Json = Mapping[str, Any]
Bound = Literal["least", "most"]
Unit = Literal["share", "checks", "ms", "MB"]
LEAKS = ("text_in_train_share", "text_in_dev_share")
MB_OF_MIB = 2**20 / 1e6


@dataclass(frozen=True)
class Gate:
    """A value that is held to a limit; None where nothing was measured, which fails.

    Shares are 0–1. `ci95` is for the reader: the value decides.
    """

    plan: str
    name: str
    value: float | None
    limit: float
    bound: Bound = "least"
    unit: Unit = "share"
    ci95: tuple[float, float] | None = None
    n: int | None = None

    @property
    def passed(self) -> bool:
        """Whether the value is on the right side of the limit, or on it."""
        if self.value is None:
            return False
        over = self.value - self.limit
        return over >= -ROUNDING if self.bound == "least" else over <= ROUNDING

    def as_json(self) -> dict[str, Any]:
        """As a record holds it."""
        ci95 = None if self.ci95 is None else list(self.ci95)
        return {**asdict(self), "ci95": ci95, "passed": self.passed}

    @classmethod
    def from_json(cls, line: Json) -> "Gate":
        """A line of a record."""
        parts = {key: value for key, value in line.items() if key != "passed"}
        return cls(**{**parts, "ci95": tuple(parts["ci95"]) if parts["ci95"] else None})


@dataclass(frozen=True)
class Evidence:
    """What gates are judged by.

    Attributes:
        details: candidate → `predictions/CANDIDATE/details.json`.
        checks: the results in `validation/report.json`.
    """

    details: Mapping[str, Json]
    checks: Sequence[Json]


def of_plan(
    experiment: "Experiment",
    service: str,
    plan: str,
    by: Mapping[str, str],
    scores: Mapping[str, float],
    evidence: Evidence,
) -> tuple[Gate, ...]:
    """The gates of a plan that are the same on every machine.

    Args:
        by: task → the candidate of the plan that answers it.
        scores: task → its headline metric.
    """
    gates = experiment.services[service].gates
    metrics = {task: experiment.tasks[task].headline() for task in by}
    parts = {task: evidence.details[name]["tasks"][task] for task, name in by.items()}
    datasets = {
        experiment.tasks[task].dataset
        for name in set(by.values())
        for task in experiment.candidates[name].tasks
    }
    return (
        *_floors(gates, plan, scores, metrics, parts),
        *_slices(gates, plan, metrics, parts),
        *_calibration(gates, plan, parts),
        *_behaviour(gates, plan, parts),
        *_data(plan, sorted(datasets), evidence.checks, experiment.validation.max_leaked_share),
    )


def floors(plan: str, scores: Mapping[str, float], limits: Mapping[str, float]) -> list[Gate]:
    """The floors of tasks alone."""
    return [Gate(plan, task, scores[task], limit) for task, limit in limits.items()]


def _floors(
    gates: "Gates",
    plan: str,
    scores: Mapping[str, float],
    metrics: Mapping[str, str],
    parts: Mapping[str, Json],
) -> Iterator[Gate]:
    for gate in floors(plan, scores, gates.tasks):
        found = parts[gate.name]["metrics"][metrics[gate.name]]
        yield Gate(plan, gate.name, gate.value, gate.limit, **_interval(found))


def _interval(found: Json) -> dict[str, Any]:
    return {"ci95": (found["ci95"][0], found["ci95"][1]), "n": found["n"]}


def _slices(
    gates: "Gates", plan: str, metrics: Mapping[str, str], parts: Mapping[str, Json]
) -> Iterator[Gate]:
    for task, limits in gates.slices.items():
        for by, limit in limits.items():
            large = [
                part
                for part in parts[task]["slices"]
                if part["by"] == by and part["n"] >= gates.slice_rows
            ]
            for part in large:
                found = part["metrics"][metrics[task]]
                name = f"{task}, {by}: {part['slice']}"
                yield Gate(plan, name, found["value"], limit, **_interval(found))
            if not large:
                yield Gate(plan, f"{task}, {by}: a slice of {gates.slice_rows} rows", None, limit)


def _calibration(gates: "Gates", plan: str, parts: Mapping[str, Json]) -> Iterator[Gate]:
    for task, part in parts.items() if gates.calibration is not None else ():
        found = part["calibration"] or {"ece": None, "n": None}
        name = f"{task}, calibration error"
        yield Gate(plan, name, found["ece"], gates.calibration or 0.0, "most", n=found["n"])


def _behaviour(gates: "Gates", plan: str, parts: Mapping[str, Json]) -> Iterator[Gate]:
    for task, part in parts.items() if gates.behaviour is not None else ():
        for test in part["behaviour"]:
            name = f"{task}, {test['test']}"
            yield Gate(plan, name, test["value"], gates.behaviour or 0.0, **_interval(test))
        if not part["behaviour"]:
            yield Gate(plan, f"{task}, a behavioural test", None, gates.behaviour or 0.0)


def _data(
    plan: str, datasets: Sequence[str], checks: Sequence[Json], most: float
) -> Iterator[Gate]:
    """Always on: no critical check failed, and no more leaks than the policy allows.

    A leak rule with the policy `warn` refuses nothing, and is no gate.
    """
    for name in datasets:
        critical = [c for c in checks if c["dataset"] == name and c["severity"] == "critical"]
        failed = sum(not check["passed"] for check in critical)
        yield Gate(plan, f"{name}, failed critical checks", failed, 0, "most", "checks")
        for check in critical:
            if check["rule"] in LEAKS and check.get("split") == "heldout" and check["examined"]:
                earlier = check["rule"].split("_")[2]
                share = check["count"] / check["examined"]
                leaks = f"{name}, held-out texts in {earlier}"
                yield Gate(plan, leaks, share, most, "most", n=check["examined"])


def of_machine(
    gates: "Gates",
    plan: str,
    candidates: Sequence[str],
    requests: Callable[[], Json],
    timing: Callable[[str], Json],
) -> Iterator[Gate]:
    """The gates of a plan on time and memory, measured on this machine.

    Args:
        requests: reads `timings/requests/SERVICE.json`.
        timing: reads `timings/measured/CANDIDATE.json`.
    """
    if gates.latency_p95_ms is not None:
        way = requests()["plans"][plan]["in sequence"]
        name = "request, p95, in sequence"
        limit = gates.latency_p95_ms
        yield Gate(plan, name, way["p95_ms"], limit, "most", "ms", n=way["texts"])
    if gates.memory_mb is not None:
        peak = sum(timing(name)["memory"]["peak_rss_mib"] for name in candidates) * MB_OF_MIB
        yield Gate(plan, "peak memory", round(peak, 1), gates.memory_mb, "most", "MB")


def shown(value: float | None, unit: Unit) -> str:
    """84.40 % for a share of 0.844; other units by their name."""
    if value is None:
        return "not measured"
    return (
        f"{100 * value:.2f} %" if unit == "share" else f"{value:g} {unit}".removesuffix(" checks")
    )


def why_failed(gate: Gate) -> str:
    """A failed gate in words."""
    if gate.value is None:
        return f"{gate.name} was not measured, and its gate is {shown(gate.limit, gate.unit)}"
    side = "below" if gate.bound == "least" else "above"
    value, limit = shown(gate.value, gate.unit), shown(gate.limit, gate.unit)
    return f"{gate.name} {value} is {side} its gate {limit}"
