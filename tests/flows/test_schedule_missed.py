"""Runs that were missed while `plait schedule` was down: one is caught up, with a real server."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun

import projects
from flow_runs import Scheduled, free_api, kill_family, server
from servers import wait_for

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return projects.make(tmp_path / "project", {"quick": projects.training("quick", 0)})


@pytest.fixture
def api() -> str:
    return free_api()


@pytest.fixture
def client(api: str, project: Path) -> Iterator[SyncPrefectClient]:
    with server(project, api) as client:
        yield client


def begun(client: SyncPrefectClient) -> list[FlowRun]:
    return [run for run in client.read_flow_runs(limit=200) if run.start_time]


def test_three_missed_runs_are_caught_up_once(
    client: SyncPrefectClient, api: str, project: Path
) -> None:
    every_minute = ("--cron", "* * * * *")
    with Scheduled(project, api, more=every_minute).serving() as schedule:
        wait_for(lambda: len(begun(client)) == 1, 120)
        wait_for(lambda: bool(begun(client)[0].end_time), 60)
        kill_family(schedule.process.pid)
    time.sleep(200)
    with Scheduled(project, api, more=every_minute).serving() as schedule:
        wait_for(lambda: len(begun(client)) >= 2, 55)
        late = begun(client)[0:2]
        skipped = [r for r in client.read_flow_runs(limit=200) if r.state_name == "Skipped"]
        assert len(skipped) >= 2
        assert len(late) == 2
        assert schedule.said().count("a later one is due, too") == len(skipped)
