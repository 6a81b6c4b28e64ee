"""Gates: each promoting and refusing, through a promotion of real bundles."""

from pathlib import Path
from typing import Any

import pytest

from plait.errors import PlaitError
from plait.files import read_json, write_json
from plait.plans.gates import Gate
from plait.plans.promotion import Decision, promote
from plait.registry.store import Registry
from production import experiment, rescore

BOTH = "tfidf-intent+slots"
ALWAYS = {"home, failed critical checks", "home, held-out texts in train"}


def settle(root: Path, gates: dict[str, Any]) -> Decision:
    (decision,) = promote(experiment(plans={"consolidated": [BOTH]}, gates=gates), root)
    assert (Registry(root).champion("assistant") is not None) == (decision.status == "promoted")
    return decision


def lines(decision: Decision) -> dict[str, Gate]:
    """The lines of the decision's table, but for those that are always there."""
    found = [Gate.from_json(line) for line in decision.record.gates]
    return {gate.name: gate for gate in found if gate.name not in ALWAYS}


def details(root: Path, task: str) -> Any:
    return read_json(root / f"predictions/{BOTH}/details.json")["tasks"][task]


def held(root: Path, gates: dict[str, Any], status: str, why: str = "") -> dict[str, Gate]:
    decision = settle(root, gates)
    assert decision.status == status, decision.reason
    assert why in decision.reason
    found = lines(decision)
    assert all(gate.passed for gate in found.values()) == (status == "promoted")
    return found


@pytest.mark.parametrize(
    ("limit", "status", "why"),
    [(0.8, "promoted", ""), (0.81, "refused", "intent 80.00 % is below its gate 81.00 %")],
)
def test_the_floor_of_a_task(root: Path, limit: float, status: str, why: str) -> None:
    rescore(root, BOTH, intent=0.8)
    found = held(root, {"tasks": {"intent": limit}}, status, why)
    gate = found["intent"]
    assert (gate.value, gate.limit, gate.bound, gate.n) == (0.8, limit, "least", 30)
    measured = details(root, "intent")["metrics"]["accuracy"]["ci95"]
    assert gate.ci95 == tuple(measured)


@pytest.mark.parametrize(("over", "status"), [(-0.001, "promoted"), (0.001, "refused")])
def test_the_floor_of_every_large_slice(root: Path, over: float, status: str) -> None:
    parts = [p for p in details(root, "intent")["slices"] if p["by"] == "length"]
    large = [p for p in parts if p["n"] >= 10]
    assert large
    assert len(large) < len(parts)
    worst = min(p["metrics"]["accuracy"]["value"] for p in large)
    gates = {"slices": {"intent": {"length": worst + over}}, "slice_rows": 10}
    found = held(root, gates, status)
    assert set(found) == {f"intent, length: {part['slice']}" for part in large}


def test_a_gate_that_nothing_was_measured_for_fails(root: Path) -> None:
    gates = {"slices": {"intent": {"length": 0.1}}, "slice_rows": 1000}
    why = "intent, length: a slice of 1000 rows was not measured, and its gate is 10.00 %"
    assert held(root, gates, "refused", why)["intent, length: a slice of 1000 rows"].value is None


@pytest.mark.parametrize(("over", "status"), [(0.001, "promoted"), (-0.001, "refused")])
def test_the_ceiling_of_calibration(root: Path, over: float, status: str) -> None:
    errors = {task: details(root, task)["calibration"]["ece"] for task in ("intent", "slots")}
    found = held(root, {"calibration": max(errors.values()) + over}, status)
    assert {name.split(",")[0]: gate.value for name, gate in found.items()} == errors
    assert {gate.bound for gate in found.values()} == {"most"}


@pytest.mark.parametrize(("over", "status"), [(0, "promoted"), (0.001, "refused")])
def test_the_least_pass_rate_of_behaviour(root: Path, over: float, status: str) -> None:
    path = root / f"predictions/{BOTH}/details.json"
    value = read_json(path)
    value["tasks"]["slots"]["behaviour"][0].update(value=0.7, ci95=[0.5, 0.9])
    write_json(path, value)
    found = held(root, {"behaviour": 0.7 + over}, status)
    tests = [t["test"] for task in ("intent", "slots") for t in value["tasks"][task]["behaviour"]]
    assert [name.split(", ", 1)[1] for name in found] == tests


@pytest.mark.parametrize(
    ("gates", "status", "why"),
    [
        ({"latency_p95_ms": 12.5, "memory_mb": 315}, "promoted", ""),
        (
            {"latency_p95_ms": 12.4},
            "refused",
            "request, p95, in sequence 12.5 ms is above its gate",
        ),
        ({"memory_mb": 314}, "refused", "peak memory 314.6 MB is above its gate 314 MB"),
    ],
)
def test_time_and_memory_are_judged_by_the_promotion(
    root: Path, gates: dict[str, Any], status: str, why: str
) -> None:
    way = {"p50_ms": 10, "p95_ms": 12.5, "p99_ms": None, "texts": 60}
    plans = {"consolidated": {"in sequence": way}}
    write_json(root / "timings/requests/assistant.json", {"plans": plans})
    write_json(root / f"timings/measured/{BOTH}.json", {"memory": {"peak_rss_mib": 300}})
    decision = settle(root, gates)
    assert decision.status == status
    assert decision.record.plan == "consolidated"  # the verdict is the same on every machine
    assert decision.record.rejected == {}
    if why:
        assert f"But on this machine {why}" in decision.reason
        assert decision.reason.endswith("The service has no champion.")
    (consented,) = promote(
        experiment(plans={"consolidated": [BOTH]}, gates=gates), root, consent="at any price"
    )
    assert (consented.status == "refused") == bool(why)


def test_a_timing_that_is_missing_is_named(root: Path) -> None:
    with pytest.raises(PlaitError, match=r"timings/requests/assistant\.json: no such file"):
        settle(root, {"latency_p95_ms": 100})


def check_of(rule: str, severity: str, count: int, passed: bool) -> dict[str, Any]:
    return {
        "dataset": "home", "rule": rule, "severity": severity, "passed": passed, "count": count,
        "examined": 30, "split": "heldout",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("found", "status", "why"),
    [
        (check_of("text_in_train_share", "critical", 3, True), "promoted", ""),
        (
            check_of("text_in_train_share", "critical", 4, False),
            "refused",
            "home, failed critical checks 1 is above its gate 0; home, held-out texts in train "
            "13.33 % is above its gate 10.00 %",
        ),
        (check_of("text_in_train_share", "warning", 4, False), "promoted", ""),
        (check_of("label_rows", "critical", 1, False), "refused", "failed critical checks 1"),
        (check_of("label_balance", "warning", 1, False), "promoted", ""),
        ({**check_of("label_rows", "critical", 1, False), "dataset": "other"}, "promoted", ""),
    ],
)
def test_data_checks_and_leaks_are_always_gates(
    root: Path, found: dict[str, Any], status: str, why: str
) -> None:
    write_json(root / "validation/report.json", {"results": [found]})
    decision = settle(root, {})
    assert decision.status == status
    assert why in decision.reason


def test_without_data_checks_nothing_is_promoted(root: Path) -> None:
    (root / "validation/report.json").unlink()
    with pytest.raises(PlaitError, match=r"validation/report\.json: no such file.*`plait run`"):
        settle(root, {})


def test_a_record_has_the_table_of_the_winner_and_without_one_of_all(root: Path) -> None:
    gates = {"tasks": {"intent": 1.0, "slots": 1.0}}
    rescore(root, BOTH, intent=0.5, slots=0.5)
    (none,) = promote(experiment(gates=gates), root)
    assert {line["plan"] for line in none.record.gates} == {"consolidated", "one-per-task"}
    (some,) = promote(experiment(), root)
    assert {line["plan"] for line in some.record.gates} == {some.record.plan}
    assert {line["name"] for line in some.record.gates} == ALWAYS
    assert all(line["passed"] for line in some.record.gates)
