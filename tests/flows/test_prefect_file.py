"""The deployments of infra/prefect.yaml: each names a flow that takes its parameters."""

from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.client.schemas.objects import ConcurrencyOptions
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import load_flow_from_entrypoint

import projects

FILE = projects.REPOSITORY / "infra" / "prefect.yaml"
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["deployments"]


@pytest.fixture(autouse=True)
def flows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(projects.REPOSITORY)
    monkeypatch.syspath_prepend(str(projects.REPOSITORY / "flows"))


def loaded(deployment: dict[str, Any]) -> Flow[..., Any]:
    return load_flow_from_entrypoint(deployment["entrypoint"])


def key(deployment: dict[str, Any]) -> str:
    return f"{deployment['entrypoint'].rpartition(':')[2]}/{deployment['name']}"


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=key)
def test_a_deployment_loads(deployment: dict[str, Any]) -> None:
    given = deployment.get("parameters", {})
    flow = loaded(deployment)
    assert set(given) <= set(flow.parameters.properties)
    if not flow.parameters.required:
        assert given.items() <= flow.validate_parameters(given).items()
    if limit := deployment.get("concurrency_limit"):  # `prefect deploy` fills in no default
        ConcurrencyOptions(collision_strategy=limit.get("collision_strategy"))
    for schedule in deployment.get("schedules", []):
        CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])


def test_no_two_have_one_name_and_one_runs_every_stage_weekly() -> None:
    names = [key(each) for each in DEPLOYMENTS]
    assert len(set(names)) == len(names)
    (weekly,) = [each for each in DEPLOYMENTS if each["name"] == "weekly"]
    assert weekly["parameters"] == {"apart": True, "force": True}
    assert [each["cron"] for each in weekly["schedules"]] == ["0 6 * * SUN"]
