"""A scheduled run works in a worktree of its own and leaves a branch."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient

import projects
from flow_runs import Scheduled, free_api, newest, server
from plait.registry.git import git
from servers import wait_for

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

STAGES: dict[str, object] = {
    "score": {
        "cmd": "mkdir -p scores; wc -c < words > scores/count.json",
        "deps": ["words"],
        "metrics": [{"scores/count.json": {"cache": False}}],
    },
}


@pytest.fixture(scope="module")
def api() -> str:
    return free_api()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = projects.make(tmp_path_factory.mktemp("apart") / "project", STAGES)
    (folder / "words").write_text("three")
    git(folder, "config", "user.name", "An Engineer")
    git(folder, "config", "user.email", "engineer@example.org")
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "A project")
    return folder


@pytest.fixture(scope="module")
def client(api: str, project: Path) -> Iterator[SyncPrefectClient]:
    with server(project, api) as client:
        yield client


def test_a_run_leaves_a_branch_and_nothing_else(
    client: SyncPrefectClient, api: str, project: Path
) -> None:
    (project / "words").write_text("a person's edit")
    before = git(project, "status", "--porcelain")
    with Scheduled(project, api, in_place=False).serving():
        found = client.read_deployment_by_name("plait/nightly")
        client.create_flow_run_from_deployment(found.id)
        wait_for(lambda: _is_over(client), 120)
        run = newest(client)
    assert run.state is not None
    assert run.state.is_completed(), run.state.message
    (branch,) = git(
        project, "branch", "--list", "plait/runs/*", "--format=%(refname:short)"
    ).split()
    assert f"Branch {branch} has what changed" in (run.state.message or "")
    assert git(project, "status", "--porcelain") == before
    assert git(project, "show", f"{branch}:scores/count.json").strip() == "5"
    subject = git(project, "show", "-s", "--format=%s", branch)
    assert subject.startswith("edited-")


def _is_over(client: SyncPrefectClient) -> bool:
    state = newest(client).state
    return state is not None and state.is_final()
