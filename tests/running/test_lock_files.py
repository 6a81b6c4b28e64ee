"""DVC's lock files after kills: a cut dvc.lock comes back, dead holders are forgotten."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.dvcfile import Lockfile
from dvc.repo import Repo

import interruptions
import projects
from plait.running import dvc, graph, lock_files
from plait.running.events import Event, listening
from plait.running.processes import Processes
from servers import wait_for

STAGES = {
    "first": {"cmd": "echo 1 > first", "outs": ["first"]},
    "second": {"cmd": "cat first > second", "deps": ["first"], "outs": ["second"]},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reproduced project with its dvc.lock committed, and a second dvc.yaml in timings/."""
    folder = projects.make(tmp_path / "project", STAGES)
    (folder / "timings").mkdir()
    timing = {"cmd": "echo 3 > third", "outs": ["third"]}
    (folder / "timings/dvc.yaml").write_text(yaml.safe_dump({"stages": {"third": timing}}))
    projects.dvc(folder, "repro", "--all-pipelines")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder)]
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "locks"], check=True)
    monkeypatch.chdir(folder)
    return folder


def states(folder: Path) -> dict[str, object]:
    with Repo(str(folder)) as repo:
        found: dict[str, object] = repo.status()
        return found


@pytest.mark.parametrize("name", ["dvc.lock", "timings/dvc.lock"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_cut_lock_is_replaced_by_the_committed_one(
    project: Path, name: str, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_files, "WRITING", 0.0)
    whole = (project / name).read_bytes()
    broken = whole[: int(share * len(whole))]
    while lock_files.is_whole(broken):
        broken = broken[:-1]
    (project / name).write_bytes(broken)
    said: list[str] = []
    lock_files.mend(project, said.append)
    assert (project / name).read_bytes() == whole
    (sentence,) = said
    assert sentence.startswith(f"{name} was cut short by a kill or a full disk: the committed one")
    assert states(project) == {}


def test_wherever_a_lock_is_cut_dvc_reads_what_is_there_afterwards(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_files, "WRITING", 0.0)
    whole = (project / "dvc.lock").read_bytes()
    for end in range(0, len(whole), 37):
        (project / "dvc.lock").write_bytes(whole[:end])
        lock_files.mend(project, lambda _: None)
        states(project)


def test_without_a_committed_lock_it_begins_anew(tmp_path: Path) -> None:
    folder = projects.make(tmp_path / "project", STAGES)
    (folder / "dvc.lock").touch()
    said: list[str] = []
    lock_files.mend(folder, said.append)
    assert not (folder / "dvc.lock").exists()
    assert "it begins anew, as none is committed" in said[0]


def test_a_kill_while_dvc_writes_its_lock_leaves_the_old_or_the_new_one(project: Path) -> None:
    assert dvc._common._dump_data is dvc._dump_whole
    path = project / "dvc.lock"
    old = path.read_bytes()
    seen: set[bytes] = set()

    def write() -> None:
        with Repo(str(project)) as repo:
            stage = repo.stage.load_one(name="first")
            stage.cmd = "echo other"
            Lockfile(repo, str(path)).dump(stage)

    def after() -> None:
        seen.add(path.read_bytes())
        path.write_bytes(old)

    steps = interruptions.killed_at_every_step(write, after)
    new = path.read_bytes()
    assert steps > 3
    assert old != new
    assert seen == {old, new}


def test_holders_that_are_gone_are_forgotten_and_living_ones_are_not(project: Path) -> None:
    path = project / ".dvc" / "tmp" / "rwlock"
    living = {"pid": os.getpid(), "cmd": "dvc repro"}
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    dead = {"pid": gone.pid, "cmd": "dvc repro"}
    held = {"write": {"/a": living, "/b": dead}, "read": {"/c": [dead, living], "/d": [dead]}}
    path.write_text(json.dumps(held))
    lock_files.mend(project, lambda _: None)
    assert json.loads(path.read_text()) == {"write": {"/a": living}, "read": {"/c": [living]}}
    os.utime(path, (1, 1))  # written before this process was born: its number is another's
    lock_files.mend(project, lambda _: None)
    assert json.loads(path.read_text()) == {"write": {}, "read": {}}
    path.write_text('{"write": {"/a": ')
    lock_files.mend(project, lambda _: None)
    assert not path.exists()


def test_a_stage_waits_for_a_persons_dvc_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = projects.make(tmp_path / "project", {"slow": projects.training("slow", 5)})
    monkeypatch.chdir(folder)
    heard: list[Event] = []
    command = [sys.executable, "-m", "dvc", "repro", "slow"]
    with subprocess.Popen(command, env=graph.environment()) as person:
        wait_for((folder / "pid.slow").exists, 60)
        with Processes(folder) as processes, listening(heard.append):
            outcome = graph.run_stage("slow", processes, lambda _: None, lambda _: None)
        assert person.wait() == 0
    assert outcome is graph.Outcome.UNCHANGED
    (said,) = [event.text for event in heard if event.kind == "note"]
    assert said.startswith(f"slow: waiting for process {person.pid} (")
    assert said.endswith("repro slow), which works on the same files")


def test_the_holder_of_dvcs_lock_is_named(project: Path) -> None:
    said: list[str] = []
    lock_files.say_who_holds(project, said.append)
    assert said == []
    with (project / ".dvc/tmp/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f" {os.getpid()}\n")
        lock.flush()
        lock_files.say_who_holds(project, said.append)
    assert f"Waiting for process {os.getpid()} (" in said[0]
