"""A webhook on loopback hears from a real Prefect server of failed runs and of promotions."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.runtime import flow_run

import projects
from flow_runs import Scheduled, free_api, server
from plait.errors import PlaitError
from plait.running import notifications
from servers import wait_for

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]
FAILS = {"wrong": {"cmd": "echo 'error: row 3 has no label' >&2; exit 2", "outs": ["never"]}}


class Listener:
    """What a chat program would be told."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.url = ""

    @contextmanager
    def listening(self) -> Iterator["Listener"]:
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["Content-Type"] == "application/json"
                heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing on the terminal."""

        served = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{served.server_port}/hook?secret=s3cr3t"
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield self
        served.shutdown()


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener().listening() as found:
        yield found


@pytest.fixture(scope="module")
def api() -> str:
    return free_api()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return projects.make(tmp_path_factory.mktemp("told") / "project", FAILS)


@pytest.fixture(scope="module")
def client(api: str, project: Path) -> Iterator[SyncPrefectClient]:
    with server(project, api) as client:
        yield client


def test_a_scheduled_run_that_fails_is_told_of(
    listener: Listener,
    client: SyncPrefectClient,
    api: str,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(notifications.VARIABLE, listener.url)
    with Scheduled(project, api).serving() as scheduled:
        (deployment,) = client.read_deployments()
        started = client.create_flow_run_from_deployment(deployment.id)
        wait_for(lambda: bool(listener.heard), 90)
        assert "s3cr3t" not in scheduled.said()
    (told,) = listener.heard
    ended = client.read_flow_run(started.id)
    assert told["text"] == f"{ended.name}: Failed: wrong: error: row 3 has no label"
    assert told["event"] == "prefect.flow-run.Failed"
    assert told["run"] == ended.name
    assert told["url"].endswith(f"/runs/flow-run/{started.id}")


@flow(name="plait")
def promoting() -> None:
    """A flow of the pipeline's name that promotes."""
    why = 'It beats "one"\nby 2 points.'
    notifications.tell_of_promotion(flow_run.id, "assistant", why)


@flow(name="other")
def fails() -> None:
    """Somebody else's flow on a shared server."""
    raise ValueError


def test_a_promotion_is_told_of_and_other_flows_are_not(
    listener: Listener, client: SyncPrefectClient
) -> None:
    notifications.notify("here", listener.url)
    fails(return_state=True)
    promoting()
    wait_for(lambda: bool(listener.heard), 60)
    (told,) = listener.heard
    assert told["text"] == 'assistant: promoted. It beats "one"\nby 2 points.'
    assert told["event"] == notifications.PROMOTION
    notifications.notify("here", None)
    assert not [each for each in client.read_automations() if "(here)" in each.name]


@pytest.mark.parametrize("wrong", ["chat.example.org/s3cr3t", "file:///s3cr3t", "https://"])
def test_an_address_that_is_none_is_refused_unquoted(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(notifications.VARIABLE, wrong)
    with pytest.raises(PlaitError, match="PLAIT_WEBHOOK: expected an address") as found:
        notifications.address()
    assert "s3cr3t" not in str(found.value)
