"""The flow on a real Prefect server: served, triggered, watched and cancelled through its API."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling

import projects
from plait.experiment.switching import name_or_digest
from plait.running import graph, prefect_server
from plait.running.processes import marked
from screens import in_terminal, screen
from servers import wait_for

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

PLAIT = [sys.executable, "-m", "plait.cli"]


@pytest.fixture(scope="module")
def api() -> str:
    """The address of a server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/api"


@pytest.fixture(scope="module")
def environment(api: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**own, "PREFECT_API_URL": api}


@pytest.fixture(scope="module")
def client(api: str) -> Iterator[SyncPrefectClient]:
    with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
        yield client


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the working tree, with an experiment `long` that trains for hours."""
    folder = projects.working_tree(tmp_path_factory.mktemp("clone") / "project", "smoke")
    smoke = (folder / "experiments" / "smoke.yaml").read_text()
    long = smoke.replace("epochs: 1", "epochs: 9999").replace("name: smoke", "name: long")
    (folder / "experiments" / "long.yaml").write_text(long)
    return folder


@pytest.fixture(scope="module")
def deployment(project: Path, environment: dict[str, str]) -> Iterator[str]:
    """`plait schedule`, which starts the server too; the deployment's name."""
    command = [*PLAIT, "schedule", "--in-place", "--cron", "0 3 * * *", "--timezone", "Asia/Tokyo"]
    with background(command, project, environment) as lines:
        wait_for(lambda: any("Serving plait/nightly" in line for line in lines()), 90)
        yield "plait/nightly"
    prefect_server.stop(project)


@contextmanager
def background(
    command: list[str], folder: Path, env: dict[str, str]
) -> Iterator[Callable[[], list[str]]]:
    """A process that is ended with the block; yields how to read what it has printed."""
    log = folder / ".plait" / "background.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as stream:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=stream, stderr=stream)
        try:
            yield lambda: log.read_text().splitlines()
        finally:
            process.terminate()
            process.wait(timeout=30)


def trigger(client: SyncPrefectClient, deployment: str, **parameters: object) -> UUID:
    found = client.read_deployment_by_name(deployment)
    return client.create_flow_run_from_deployment(found.id, parameters=parameters).id


def finished(client: SyncPrefectClient, run: UUID, seconds: float = 600) -> FlowRun:
    def is_final() -> bool:
        state = client.read_flow_run(run).state
        return state is not None and state.is_final()

    wait_for(is_final, seconds)
    return client.read_flow_run(run)


def tasks(client: SyncPrefectClient, run: UUID) -> dict[str, TaskRun]:
    """Task runs by name."""
    mine = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
    return {task.name: task for task in client.read_task_runs(flow_run_filter=mine, limit=200)}


def state_names(client: SyncPrefectClient, run: UUID, count: int) -> dict[str, str]:
    """States by task name, once there are `count` that have ended: the server hears them later."""

    def read() -> dict[str, str]:
        return {name: task.state.name for name, task in tasks(client, run).items() if task.state}

    wait_for(lambda: len(read()) >= count and "Running" not in read().values(), 20)
    return read()


def artifact_keys(client: SyncPrefectClient, run: UUID) -> set[str]:
    mine = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
    return {a.key for a in client.read_artifacts(artifact_filter=mine, limit=200) if a.key}


@pytest.fixture(scope="module")
def smoke(
    client: SyncPrefectClient, deployment: str, project: Path, environment: dict[str, str]
) -> UUID:
    """A run of the smoke experiment, as `prefect deployment run` starts it."""
    command = [sys.executable, "-m", "prefect", "deployment", "run", deployment]
    subprocess.run(
        [*command, "--param", "experiment=smoke"], cwd=project, env=environment, check=True
    )
    (run,) = (run for run in client.read_flow_runs(limit=100) if not run.auto_scheduled)
    return finished(client, run.id).id


def test_every_stage_is_a_task_run_of_its_name(
    client: SyncPrefectClient, smoke: UUID, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = client.read_flow_run(smoke).state
    assert state is not None
    assert state.is_completed(), state.message
    monkeypatch.chdir(project)
    read = graph.read(project)
    assert read.changed == set()
    states = state_names(client, smoke, len(read.stages) + 1)
    assert set(states) == {*(stage.name for stage in read.stages.values()), "promote"}
    assert not [name for name in states if "/" in name]
    assert set(states.values()) <= {"Completed", "Cached"}
    assert len(states) > 15


def test_the_flows_edges_are_dvcs(
    client: SyncPrefectClient, smoke: UUID, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    runs = tasks(client, smoke)
    names = {str(task.id): name for name, task in runs.items()}
    edges = {
        (name, names[str(upstream.id)])
        for name, task in runs.items()
        for upstream in task.task_inputs.get("wait_for", [])
        if upstream.input_type == "task_run"
    }
    stages = graph.read(project).stages.values()
    called = {stage.address: stage.name for stage in stages}
    assert edges == {(stage.name, called[each]) for stage in stages for each in stage.upstream}


def test_progress_benchmark_and_promotion_are_artifacts(
    client: SyncPrefectClient, smoke: UUID
) -> None:
    keys = artifact_keys(client, smoke)
    assert {"benchmark", "promotion", "summary-validate"} <= keys
    for kind in ("progress", "curves"):
        assert any(key.startswith(f"{kind}-train-minilm-intent") for key in keys)
    assert not [key for key in keys if "dvc-yaml" in key]


def test_a_run_is_named_by_its_experiment_and_what_changed(
    client: SyncPrefectClient, smoke: UUID, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    found = graph.read(project)
    count = len(found.stages) - len(found.always)
    name = client.read_flow_run(smoke).name
    assert re.fullmatch(rf"smoke · data [0-9a-f]{{4}} · \d+ of {count} stages ran", name)
    tags = set(client.read_flow_run(smoke).tags)
    assert {"experiment:smoke", "service:assistant"} <= tags


def test_a_second_run_is_cached(client: SyncPrefectClient, smoke: UUID, deployment: str) -> None:
    run = finished(client, trigger(client, deployment))
    assert re.fullmatch(r"smoke · data [0-9a-f]{4} · 0 of \d+ stages ran", run.name)
    names = set(tasks(client, smoke))
    states = state_names(client, run.id, len(names))
    assert set(states) == names
    assert states.pop("promote") == states.pop("code") == "Completed"
    assert set(states.values()) == {"Cached"}


def test_the_schedule_plans_runs(client: SyncPrefectClient, deployment: str) -> None:
    def planned() -> list[datetime]:
        runs = client.read_flow_runs(limit=100)
        return [run.expected_start_time for run in runs if run.auto_scheduled]

    wait_for(lambda: bool(planned()), 90)
    assert {when.astimezone(UTC).strftime("%H:%M") for when in planned()} == {"18:00"}


def test_a_run_is_cancelled_in_the_middle_of_training(
    client: SyncPrefectClient, smoke: UUID, deployment: str, project: Path
) -> None:
    run = trigger(client, deployment, experiment="long")
    wait_for(lambda: any(k.startswith("progress-train") for k in artifact_keys(client, run)), 120)
    mark = f"{project}|"
    assert any("plait.stages.train" in " ".join(p.cmdline()) for p in marked(mark))
    client.set_flow_run_state(run, Cancelling())
    assert wait_for(lambda: not marked(mark), 10) < 10
    assert finished(client, run, 30).state_name == "Cancelled"
    states = state_names(client, run, 1)
    assert not any(name.startswith("benchmark") for name in states)
    assert "Cancelled" in states.values()


def test_the_stages_of_one_candidate_run_alone(
    client: SyncPrefectClient, smoke: UUID, deployment: str
) -> None:
    run = finished(client, trigger(client, deployment, candidates=["tfidf-intent"]))
    assert run.state is not None
    assert run.state.message == "Only the stages of tfidf-intent: nothing is promoted"
    ran = set(tasks(client, run.id))
    assert {"train@tfidf-intent", "benchmark@tfidf-intent", "prepare"} <= ran
    assert not {"train@tfidf-slots", "report", "promote"} & ran


TINY: dict[str, object] = {
    "good": {"cmd": "echo > good", "outs": ["good"]},
    "mistake": {"cmd": "echo rows.csv: row 3 has no text >&2; exit 2", "outs": ["rows"]},
    "after-mistake": {"cmd": "echo > after", "deps": ["rows"], "outs": ["after"]},
    "unlucky": {
        "cmd": "test -f tried && echo > unlucky || { touch tried; kill -9 $$; }",
        "outs": ["unlucky"],
    },
    "after-good": {"cmd": "echo > further", "deps": ["good", "unlucky"], "outs": ["further"]},
}


def test_a_mistake_stops_its_branch_alone_and_a_crash_is_tried_again(
    client: SyncPrefectClient,
    deployment: str,  # its server
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    folder = projects.make(tmp_path / "project", TINY)
    done = subprocess.run(
        [sys.executable, "flows/pipeline.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "error: Failed: mistake: rows.csv: row 3 has no text\n" in done.stderr
    assert "Not run because of that: 1 downstream stages" in done.stderr
    assert (folder / "further").exists()
    run = newest(client)
    assert run.state_name == "Failed"
    assert state_names(client, run.id, 5) == {
        "good": "Completed",
        "mistake": "Failed",
        "after-mistake": "NotReady",
        "unlucky": "Completed",
        "after-good": "Completed",
    }
    assert tasks(client, run.id)["unlucky"].run_count == 2
    assert tasks(client, run.id)["mistake"].run_count == 1


def test_outputs_of_removed_stages_are_set_aside_and_names_carry_no_path(
    client: SyncPrefectClient,
    deployment: str,  # its server
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    folder = projects.make(tmp_path / "project", {"good": TINY["good"], "old": TINY["unlucky"]})
    (folder / "timings").mkdir()
    timing = projects.training("t", 1, wdir="..", deps=["train.py", "good"])
    (folder / "timings/dvc.yaml").write_text(yaml.safe_dump({"stages": {"timing": timing}}))
    (folder / "tried").touch()
    command = [*PLAIT, "run"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    assert [line for line in done.stdout.splitlines() if line.startswith("✓ timing  ")]
    assert all(c == "\n" or c.isprintable() for c in done.stdout)
    assert artifact_keys(client, newest(client).id) == {"progress-timing", "promotion"}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"good": TINY["good"]}}))
    (folder / "model.t").unlink()
    status, written = in_terminal(command, folder, environment)
    left = [line for line in screen(written) if line]
    assert status == 0, written
    assert "1 outputs of removed stages: moved to .plait/removed" in left
    assert "= timing  taken from DVC's cache" in left
    assert not [line for line in left if "━" in line or "computing hashes" in line]
    assert not (folder / "unlucky").exists()
    assert (folder / ".plait/removed/unlucky").exists()
    assert newest(client).name == f"{name_or_digest(folder)} · 0 of 2 stages ran"


def newest(client: SyncPrefectClient) -> FlowRun:
    runs = [run for run in client.read_flow_runs(limit=100) if not run.auto_scheduled]
    return max(runs, key=lambda each: each.created or each.expected_start_time)


def test_ctrl_c_ends_everything_and_the_next_run_goes_on(
    deployment: str,  # its server
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    stages = {"done": TINY["good"], "slow": projects.training("slow", 60)}
    folder = projects.make(tmp_path / "project", stages)
    process = subprocess.Popen(
        [*PLAIT, "run"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    wait_for((folder / "pid.slow").exists, 60)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Cancelled. `plait run` resumes it." in printed
    assert marked(f"{folder}|") == []
    assert (folder / "good").exists()


def test_a_wrong_schedule_is_refused(
    environment: dict[str, str], deployment: str, project: Path
) -> None:
    for option, value, message in (
        ("--cron", "every night", "error: --cron: found 'every night', expected five fields"),
        ("--timezone", "Europe/Berln", "did you mean 'Europe/Berlin'?"),
    ):
        done = subprocess.run(
            [*PLAIT, "schedule", option, value],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert message in done.stderr


def test_the_server_is_found_and_a_distant_one_is_not_replaced(
    environment: dict[str, str], deployment: str, project: Path
) -> None:
    status = [*PLAIT, "server", "status"]
    for api, code, said in (
        (environment["PREFECT_API_URL"], 0, "started by plait, process"),
        ("http://plait.invalid:4200/api", 1, "No Prefect server answers."),
    ):
        done = subprocess.run(
            status,
            cwd=project,
            env={**environment, "PREFECT_API_URL": api},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert said in done.stdout
    done = subprocess.run(
        [*PLAIT, "run"],
        cwd=project,
        env={**environment, "PREFECT_API_URL": "http://plait.invalid:4200/api"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "PREFECT_API_URL: found http://plait.invalid:4200/api, where no server" in done.stderr
