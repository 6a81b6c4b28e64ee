"""Promotion by approval on a real Prefect server: the flow pauses, a person answers its form."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

import projects
from plait.plans.promotion import promote
from plait.registry.acts import hold, rollback
from plait.registry.store import Registry
from plait.running import prefect_server
from production import experiment, measure_for_commands, rescore, train
from servers import wait_for

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

PLAIT = [sys.executable, "-m", "plait.cli"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("measured")
    measure_for_commands(root)
    (root / "flows").symlink_to(projects.REPOSITORY / "flows")
    return root


@pytest.fixture(scope="module")
def environment(measured: Path) -> Iterator[dict[str, str]]:
    """The environment of commands, and a server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - own.keys():
            patch.delenv(name)
        patch.setattr(prefect_server, "START_SECONDS", 300.0)
        server = prefect_server.start(measured, port)
    yield {**own, "PREFECT_API_URL": server.api}
    prefect_server.stop(measured)


@pytest.fixture(scope="module")
def client(environment: dict[str, str]) -> Iterator[SyncPrefectClient]:
    api = environment["PREFECT_API_URL"]
    with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def root(measured: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(measured, tmp_path / "project", symlinks=True))


class Asked:
    """`plait promote --require-approval`, which waits for an answer."""

    def __init__(self, root: Path, environment: dict[str, str], client: SyncPrefectClient) -> None:
        self.client, self.log = client, root / "said.txt"
        with self.log.open("w") as stream:
            self.process = subprocess.Popen(
                [*PLAIT, "promote", "--require-approval"],
                cwd=root,
                env=environment,
                stdout=stream,
                stderr=stream,
            )

    def run(self) -> FlowRun:
        """The flow run, once it waits."""
        wait_for(lambda: "waits for an answer at " in self.said() or self._over(), 120)
        place = self.said().split("waits for an answer at ")[1].split()[0]
        run = UUID(place.rpartition("/")[2])

        def paused() -> bool:
            state = self.client.read_flow_run(run).state
            return state is not None and state.is_paused()

        wait_for(paused, 60)
        return self.client.read_flow_run(run)

    def answer(self, **form: object) -> str:
        """Answer as the page does; what the command has said when it ended."""
        self.client.resume_flow_run(self.run().id, form)
        return self.end()

    def end(self) -> str:
        self.process.wait(timeout=120)
        return self.said()

    def said(self) -> str:
        return self.log.read_text()

    def _over(self) -> bool:
        return self.process.poll() is not None


@pytest.fixture
def ask(
    root: Path, environment: dict[str, str], client: SyncPrefectClient
) -> Iterator[Callable[[], Asked]]:
    started: list[Asked] = []

    def start() -> Asked:
        started.append(Asked(root, environment, client))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


def test_what_a_person_approves_is_promoted_and_recorded(
    root: Path, client: SyncPrefectClient, ask: Callable[[], Asked]
) -> None:
    asked = ask()
    run = asked.run()
    assert Registry(root).champion("assistant") is None
    state = run.state
    assert state is not None
    key = state.state_details.run_input_keyset
    assert key is not None
    question = client.read_flow_run_input(run.id, key["description"])
    assert "## May assistant be promoted to production?" in question
    assert "Plan **consolidated**" in question
    assert "| intent | accuracy | " in question
    schema = client.read_flow_run_input(run.id, key["schema"])
    for field in ("approve", "why", "name"):
        assert f'"{field}"' in schema
    said = asked.answer(approve=True, why="looks good", name="Ann")
    assert "assistant: promoted. " in said
    record = Registry(root).require("assistant")
    assert (record.plan, record.consent) == ("consolidated", "")
    assert record.reason.endswith("Approved by Ann: looks good.")
    assert asked.process.returncode == 0


def test_what_a_person_refuses_is_recorded_with_name_and_reason(
    root: Path, ask: Callable[[], Asked]
) -> None:
    asked = ask()
    said = asked.answer(approve=False, why="not in launch week", name="Bob")
    assert "assistant: refused by Bob: not in launch week. The champion stays." in said
    registry = Registry(root)
    assert registry.champion("assistant") is None
    (record,) = registry.history("assistant")
    assert (record.outcome, record.plan) == ("refused", "consolidated")
    assert record.reason.endswith("Refused by Bob: not in launch week.")


def test_an_approval_replaces_the_rule_and_the_form_says_so(
    root: Path, client: SyncPrefectClient, ask: Callable[[], Asked]
) -> None:
    rescore(root, "tfidf-intent", intent=0.6)
    rescore(root, "tfidf-slots", slots=0.6)
    promote(experiment(plans={"one-per-task": ["tfidf-intent", "tfidf-slots"]}), root)
    rescore(root, "tfidf-intent+slots", intent=0.99, slots=0.99)
    promote(experiment(), root)
    rollback(root, "assistant", why="rude")
    asked = ask()
    state = asked.run().state
    assert state is not None
    assert state.state_details.run_input_keyset is not None
    question = client.read_flow_run_input(
        asked.run().id, state.state_details.run_input_keyset["description"]
    )
    assert "The rule refuses it. Your approval replaces the rule." in question
    assert "rolled back from by record 3" in question
    said = asked.answer(approve=True, why="it was a false alarm", name="Ann")
    assert "assistant: promoted. " in said
    record = Registry(root).require("assistant")
    assert (record.plan, record.consent) == ("consolidated", "Ann: it was a false alarm")


def test_no_one_is_asked_where_nothing_could_be_promoted(
    root: Path, ask: Callable[[], Asked]
) -> None:
    hold(root, "assistant", "launch week")
    said = ask().end()
    assert "assistant: refused. " in said
    assert "The service is held since record 1" in said
    assert "waits for an answer" not in said
    assert [r.outcome for r in Registry(root).history("assistant")] == ["done", "refused"]


def test_outputs_that_change_meanwhile_are_not_promoted(
    root: Path, ask: Callable[[], Asked]
) -> None:
    asked = ask()
    asked.run()
    train(root, "tfidf-intent+slots", seed=8, training={"C": 3.0})
    said = asked.answer(approve=True, why="yes", name="Ann")
    assert "error: assistant: the outputs changed while the question waited" in said
    assert asked.process.returncode == 2
    assert Registry(root).champion("assistant") is None
