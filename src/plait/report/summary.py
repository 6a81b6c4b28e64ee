"""The summary of a run as plain data; `screen` shows it when the run ends."""

from collections.abc import Mapping
from typing import Any

from plait.report.results import Plan, Results, Service


def summary(results: Results) -> dict[str, Any]:
    """`services`, each with its verdict, the headline metric by task, and its plans.

    Values and their 95 % intervals are 0–1; `p50_ms` is the median time of a request. `stopped`
    says of each candidate that validation kept from training why.
    """
    services = [_service(results, service) for service in results.services]
    return {"services": services, "stopped": results.stopped}


def _service(results: Results, service: Service) -> dict[str, Any]:
    headlines = {task: _headline(results, service, task) for task in service.tasks if service.plans}
    return {
        "service": service.name,
        "verdict": service.verdict.headline,
        "winner": service.verdict.winner,
        "headlines": headlines,
        "plans": [_plan(plan, headlines) for plan in service.plans],
    }


def _headline(results: Results, service: Service, task: str) -> str:
    """The metric that the task is judged by."""
    candidates = service.plans[0].candidates
    answering = next(name for name in candidates if task in results.tasks[name])
    return str(results.candidates[answering].details["tasks"][task]["headline"])


def _plan(plan: Plan, headlines: Mapping[str, str]) -> dict[str, Any]:
    return {
        "plan": plan.name,
        "models": list(plan.candidates),
        "scores": {key[0]: plan.metrics[key].as_json() for key in headlines.items()},
        "p50_ms": plan.cost.p50_ms,
    }
