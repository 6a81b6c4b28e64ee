"""A server that is killed during a run: the run ends soon, in order, and the next one goes on."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import projects
from flow_runs import begun, environment, free_api, kill_family, run
from plait.running import prefect_server
from plait.running.processes import marked
from servers import wait_for

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """Two stages; the second trains for a minute unless told to be quick."""
    train = "python train.py slow $(test -e quick && echo 0 || echo 60)"
    stages = {
        "good": {"cmd": "echo > good", "outs": ["good"]},
        "slow": {**projects.training("slow", 60), "cmd": train, "deps": ["good", "train.py"]},
    }
    folder = projects.make(tmp_path / "project", stages)
    yield folder
    prefect_server.stop(folder)


def kill_server(folder: Path) -> int:
    found = prefect_server.recorded(folder).pid
    kill_family(found)
    return found


def test_a_run_whose_own_server_is_killed_ends_soon_and_the_next_one_goes_on(
    project: Path,
) -> None:
    env = environment(free_api())
    with begun(project, env) as process:
        wait_for((project / "pid.slow").exists, 90)
        killed = kill_server(project)
        began = time.monotonic()
        printed, said = process.communicate(timeout=60)
    assert time.monotonic() - began < 15
    assert process.returncode == 2
    assert said.startswith("error: the Prefect server at ")
    assert said.endswith("`plait run` starts the server again and goes on.\n")
    assert len(said.splitlines()) == 1
    assert "Traceback" not in printed
    assert marked(f"{project}|") == []
    (project / "quick").touch()
    done = run(project, env)
    assert done.returncode == 0, done.stderr
    assert "= 1 stages unchanged" in done.stdout
    assert prefect_server.recorded(project).pid != killed


@pytest.mark.slow
def test_a_server_that_is_killed_before_the_flow_begins_is_one_sentence(project: Path) -> None:
    env = environment(free_api())
    assert run(project, env, "server", "start").returncode == 0
    with begun(project, env) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the address: the server was found
        kill_server(project)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert len(said.splitlines()) == 1
    assert said.endswith("`plait run` starts the server again and goes on.\n")


@pytest.mark.slow
def test_a_run_whose_shared_server_is_killed_says_what_to_start(
    project: Path, tmp_path: Path
) -> None:
    api = free_api()
    owner = projects.make(tmp_path / "owner", {})
    assert run(owner, environment(api), "server", "start").returncode == 0
    with begun(project, environment(api)) as process:
        wait_for((project / "pid.slow").exists, 90)
        kill_server(owner)
        began = time.monotonic()
        _, said = process.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert process.returncode == 2
    assert len(said.splitlines()) == 1
    assert "start that server again (PREFECT_API_URL names it), then `plait run` goes on" in said
    assert marked(f"{project}|") == []


@pytest.mark.slow
def test_a_server_that_is_slow_for_some_seconds_ends_no_run(project: Path) -> None:
    (project / "quick").touch()
    env = environment(free_api())
    assert run(project, env, "server", "start").returncode == 0
    family = psutil.Process(prefect_server.recorded(project).pid)
    with begun(project, env) as process:
        wait_for((project / ".plait" / "run.json").exists, 60)
        family.send_signal(signal.SIGSTOP)
        time.sleep(8)
        family.send_signal(signal.SIGCONT)
        printed, said = process.communicate(timeout=120)
    assert process.returncode == 0, printed + said
