"""`plait schedule --on-data` on a real server: new data start a run, once."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun

import projects
from flow_runs import Scheduled, free_api, server
from incoming import declare
from plait.files import read_json
from plait.registry.git import git
from plait.running.arrivals import TAG
from servers import wait_for

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(600)]

YEARLY = ("--on-data", "--cron", "0 0 1 1 *")
STAGES: dict[str, object] = {
    "score": {
        "cmd": "mkdir -p scores; cat files/* | wc -l > scores/count.json",
        "deps": ["files"],
        "metrics": [{"scores/count.json": {"cache": False}}],
    },
}


@pytest.fixture
def api() -> str:
    return free_api()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = projects.make(tmp_path / "project", STAGES)
    git(folder, "config", "user.name", "An Engineer")
    git(folder, "config", "user.email", "engineer@example.org")
    (folder / "files").mkdir()
    add(folder, "a.csv")
    declare(folder, "files/*.csv")
    commit(folder)
    return folder


@pytest.fixture
def client(api: str, project: Path) -> Iterator[SyncPrefectClient]:
    with server(project, api) as client:
        yield client


def add(project: Path, name: str) -> None:
    (project / "files" / name).write_text("text,label\nhello,greeting\n")


def commit(project: Path) -> None:
    git(project, "add", "--all")
    git(project, "commit", "-qm", "A change")


def begun(client: SyncPrefectClient) -> list[FlowRun]:
    return [run for run in client.read_flow_runs(limit=200) if not run.auto_scheduled]


def wait_for_end(client: SyncPrefectClient, count: int) -> None:
    """Wait until so many runs have ended, and see that they were new data's, and succeeded."""
    wait_for(lambda: len(done := begun(client)) >= count and all(r.end_time for r in done), 120)
    runs = begun(client)
    assert [run.state_name for run in runs] == ["Completed"] * count
    assert all(TAG in run.tags for run in runs)


def wait_for_first_look(project: Path, how: str) -> None:
    wait_for((project / ".plait" / "arrivals" / f"{how}.json").exists, 60)


def test_a_new_file_starts_a_run_and_one_that_came_while_it_was_down(
    client: SyncPrefectClient, api: str, project: Path
) -> None:
    with Scheduled(project, api, more=YEARLY).serving() as schedule:
        assert "and on new data" in schedule.said()
        wait_for_first_look(project, "in-place")
        add(project, "b.csv.part")
        time.sleep(16)
        assert begun(client) == []
        (project / "files" / "b.csv.part").rename(project / "files" / "b.csv")
        wait_for_end(client, 1)
        assert (project / "scores" / "count.json").read_text().strip() == "4"
        assert schedule.said().count("New data (files/*.csv): a run of it is planned") == 1
        assert schedule.end(signal.SIGTERM) < 10
    add(project, "c.csv")
    with Scheduled(project, api, more=YEARLY).serving() as schedule:
        wait_for_end(client, 2)
        time.sleep(16)
        assert len(begun(client)) == 2
        assert "Traceback" not in schedule.said()
        assert "not noticed" not in schedule.said()
    assert read_json(project / ".plait/arrivals/in-place.json")["runs"] == 2


def test_a_commit_of_data_starts_a_run_apart_and_the_merge_of_its_branch_does_not(
    client: SyncPrefectClient, api: str, project: Path
) -> None:
    with Scheduled(project, api, in_place=False, more=YEARLY).serving() as schedule:
        wait_for_first_look(project, "apart")
        add(project, "b.csv")
        time.sleep(16)
        assert begun(client) == []
        commit(project)
        wait_for_end(client, 1)
        branch = git(project, "branch", "--list", "plait/runs/*", "--format=%(refname:short)")
        assert git(project, "show", f"{branch}:scores/count.json").strip() == "4"
        git(project, "merge", "--quiet", branch)
        time.sleep(16)
        assert len(begun(client)) == 1
        assert "not noticed" not in schedule.said()
