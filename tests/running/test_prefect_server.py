"""Each project's own Prefect server, and what is said where none starts."""

import socket
from pathlib import Path

import pytest

import projects
from flow_runs import environment, free_api, run
from plait.errors import PlaitError
from plait.running import prefect_server
from servers import wait_for

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


def test_each_project_has_its_own_server(tmp_path: Path) -> None:
    env, folders = environment(), [projects.make(tmp_path / name, {}) for name in "ab"]
    try:
        for folder in folders:
            started = run(folder, env, "server", "start")
            assert started.returncode == 0, started.stderr
        records = [prefect_server.recorded(folder) for folder in folders]
        assert len({record.api for record in records}) == 2
        assert len({record.pid for record in records}) == 2
        for folder, record in zip(folders, records, strict=True):
            said = run(folder, env, "server", "status").stdout
            assert f"{record.api.removesuffix('/api')} (started by plait, process" in said
    finally:
        for folder in folders:
            prefect_server.stop(folder)


def test_a_server_that_a_killed_plait_began_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    folder, port = tmp_path / "project", int(free_api().split(":")[2].removesuffix("/api"))

    def killed(_record: prefect_server.Record, _log: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(prefect_server, "_wait", killed)
        with pytest.raises(KeyboardInterrupt):
            prefect_server.start(folder, port)
    try:
        begun = prefect_server.recorded(folder)
        for name in prefect_server.settings(folder, begun.api):  # they are put back afterwards
            monkeypatch.setenv(name, "")
            monkeypatch.delenv(name)
        assert prefect_server.ensure(folder) == prefect_server.Server(begun.api, begun.pid)
    finally:
        prefect_server.stop(folder)


@pytest.mark.parametrize("value", ["http://127.0.0.1:4200", "127.0.0.1:4200/api", "nonsense"])
def test_an_address_without_api_is_refused(tmp_path: Path, value: str) -> None:
    folder = projects.make(tmp_path / "project", {})
    for command in (["run"], ["server", "status"]):
        done = run(folder, environment(value), *command)
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: PREFECT_API_URL: found '{value}', expected ")
        assert len(done.stderr.splitlines()) == 1
        assert done.stdout == ""


def test_a_server_that_takes_too_long_is_ended_and_the_reason_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefect_server, "START_SECONDS", 0.5)
    with pytest.raises(PlaitError, match=r"plait waited for \S+/api/health, and its process was"):
        prefect_server.start(tmp_path, 4299)
    wait_for(lambda: not prefect_server.recorded(tmp_path).lives(), 5)


def test_a_server_whose_port_is_taken_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PlaitError, match=r"(?s)its process ended\..*log.*[Aa]ddress|in use"):
            prefect_server.start(tmp_path, taken.getsockname()[1])
    assert not prefect_server.recorded(tmp_path).lives()
