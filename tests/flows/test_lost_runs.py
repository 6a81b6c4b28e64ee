"""Killed runs on a real server: each is shown as crashed, by whatever survived the kill."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.states import Pending

import projects
from flow_runs import (
    begun,
    environment,
    free_api,
    kill_family,
    newest,
    run,
    server,
    wait_for_state,
)
from plait.running.processes import marked
from servers import wait_for

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@flow(name="plait")
def pipeline() -> None:
    """Of the name of the pipeline's flow; never run."""


SLOW = {"slow": projects.training("slow", 60)}


@pytest.fixture(scope="module")
def api() -> str:
    return free_api()


@pytest.fixture(scope="module")
def client(api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncPrefectClient]:
    folder = projects.make(tmp_path_factory.mktemp("owner") / "project", {})
    with server(folder, api) as client:
        yield client


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return projects.make(tmp_path / "project", SLOW)


def kill_in_training(folder: Path, api: str, all_of_it: bool) -> None:
    with begun(folder, environment(api)) as process:
        wait_for((folder / "pid.slow").exists, 90)
        if all_of_it:
            kill_family(process.pid)
        else:
            process.kill()
    wait_for(lambda: not marked(f"{folder}|"), 20)
    (folder / "pid.slow").unlink()


def test_the_watchdog_reports_a_killed_run(
    client: SyncPrefectClient, api: str, project: Path
) -> None:
    kill_in_training(project, api, all_of_it=False)
    assert wait_for_state(client, newest(client), "Crashed", 30) < 30


def test_the_next_run_reports_one_that_was_killed_with_all_its_processes(
    client: SyncPrefectClient, api: str, project: Path
) -> None:
    kill_in_training(project, api, all_of_it=True)
    lost = newest(client)
    assert lost.state_name == "Running"
    with begun(project, environment(api)):
        wait_for((project / "pid.slow").exists, 60)
        state = client.read_flow_run(lost.id).state
        assert state is not None
        assert state.name == "Crashed"
        assert "`plait run` goes on" in (state.message or "")


@pytest.mark.slow
def test_the_server_misses_the_heartbeats_of_a_run_that_was_killed_with_all_its_processes(
    client: SyncPrefectClient, api: str, project: Path
) -> None:
    kill_in_training(project, api, all_of_it=True)
    lost = newest(client)
    assert lost.state_name == "Running"
    never = client.create_flow_run(pipeline)
    client.set_flow_run_state(never.id, Pending())
    assert wait_for_state(client, lost, "Crashed", 90) > 20
    assert wait_for_state(client, never, "Crashed", 60) > 5


def test_a_run_that_ends_in_order_leaves_no_record(
    client: SyncPrefectClient, api: str, tmp_path: Path
) -> None:
    stages = {"good": {"cmd": "echo > good", "outs": ["good"]}}
    folder = projects.make(tmp_path / "project", stages)
    done = run(folder, environment(api))
    assert done.returncode == 0, done.stderr
    assert newest(client).state_name == "Completed"
    assert not (folder / ".plait" / "run.json").exists()


def test_a_cut_dvc_lock_is_mended_and_the_run_goes_on(
    client: SyncPrefectClient, api: str, tmp_path: Path
) -> None:
    stages = {"good": {"cmd": "date +%N > good", "deps": ["train.py"], "outs": ["good"]}}
    folder = projects.make(tmp_path / "project", stages)
    assert run(folder, environment(api)).returncode == 0
    made, lock = (folder / "good").read_text(), (folder / "dvc.lock").read_bytes()
    (folder / "dvc.lock").write_bytes(b"")
    done = run(folder, environment(api))
    assert done.returncode == 0, done.stderr
    assert "dvc.lock was cut short by a kill or a full disk: it begins anew" in done.stdout
    assert "= good  taken from DVC's cache" in done.stdout
    assert (folder / "good").read_text() == made
    assert (folder / "dvc.lock").read_bytes() == lock
