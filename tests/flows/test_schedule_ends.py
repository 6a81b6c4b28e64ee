"""`plait schedule` ends in order, whatever goes on, and outlives its server."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient

import projects
from flow_runs import Scheduled, free_api, kill_family, newest, server
from plait.running import prefect_server
from plait.running.processes import marked
from servers import wait_for

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def api() -> str:
    return free_api()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scheduled") / "project"
    return projects.make(folder, {"slow": projects.training("slow", 60)})


@pytest.fixture(scope="module")
def client(api: str, project: Path) -> Iterator[SyncPrefectClient]:
    with server(project, api) as client:
        yield client


def is_active(client: SyncPrefectClient) -> bool:
    found = client.read_deployment_by_name("plait/nightly")
    return not found.paused and any(each.active for each in found.schedules)


def trigger(client: SyncPrefectClient) -> None:
    found = client.read_deployment_by_name("plait/nightly")
    client.create_flow_run_from_deployment(found.id)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_schedule(
    client: SyncPrefectClient, api: str, project: Path, number: signal.Signals
) -> None:
    with Scheduled(project, api).serving() as schedule:
        wait_for(lambda: is_active(client), 30)
        assert schedule.end(number) < 10
        assert schedule.process.returncode == 0
        assert "Traceback" not in schedule.said()
        assert "never awaited" not in schedule.said()
    assert not is_active(client)


def test_sigterm_cancels_the_run_in_progress_while_another_waits(
    client: SyncPrefectClient, api: str, project: Path
) -> None:
    with Scheduled(project, api).serving() as schedule:
        wait_for(lambda: is_active(client), 30)
        trigger(client)
        wait_for((project / "pid.slow").exists, 90)
        running = next(r for r in client.read_flow_runs() if r.state_name == "Running")
        trigger(client)
        assert schedule.end(signal.SIGTERM) < 10
        assert schedule.process.returncode == 0
        assert "Traceback" not in schedule.said()
    assert marked(f"{project}|") == []
    assert client.read_flow_run(running.id).state_name == "Cancelled"
    assert newest(client).state_name in ("Scheduled", "Late")
    assert not is_active(client)
    (project / "pid.slow").unlink()


@pytest.mark.slow
def test_a_killed_server_is_started_again_and_runs_go_on(
    client: SyncPrefectClient, api: str, project: Path
) -> None:
    for each in client.read_flow_runs():
        client.delete_flow_run(each.id)
    with Scheduled(project, api).serving() as schedule:
        wait_for(lambda: is_active(client), 30)
        kill_family(prefect_server.recorded(project).pid)
        wait_for(lambda: prefect_server.find(project) is None, 10)
        wait_for(lambda: prefect_server.recorded(project).lives(), 60)
        trigger(client)
        wait_for((project / "pid.slow").exists, 90)
        assert "ended: starting it again" in schedule.said()
        assert "Traceback" not in schedule.said()
        assert schedule.end(signal.SIGTERM) < 10
    assert newest(client).state_name == "Cancelled"
    assert marked(f"{project}|") == []
