"""DVC's graph as plait reads it, and one stage as plait runs it."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import projects
from plait.errors import PlaitError
from plait.experiment.loading import load
from plait.running import graph
from plait.running.graph import Outcome, StageCrashed
from plait.running.processes import Processes, Stopped, marked, only_run

STUBBORN = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork():
    pathlib.Path("pid.stubborn").write_text("up")
else:
    os.setsid()
time.sleep(60)
"""
STAGES: dict[str, object] = {
    "prepare": {"cmd": "echo rows > rows", "outs": ["rows"]},
    "train": {
        "foreach": {"a": 0.1, "b+c": 0.1},
        "do": {**projects.training("${key}", 0.1), "deps": ["train.py", "rows"]},
    },
    "slow": projects.training("slow", 60),
    "mistake": {"cmd": "echo rows.csv: row 3 has no text >&2; exit 2", "outs": ["x"]},
    "bug": {"cmd": 'python -c "1/0"', "outs": ["y"]},
    "stubborn": {"cmd": "exec python stubborn.py", "outs": ["z"]},
    "timing": {"cmd": "echo > t", "deps": ["model.a"], "outs": ["t"], "meta": {"alone": True}},
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = projects.make(tmp_path_factory.mktemp("template") / "project", STAGES)
    (folder / "stubborn.py").write_text(STUBBORN)
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(template, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def processes(project: Path) -> Iterator[Processes]:
    with Processes(project) as processes:
        yield processes
    assert marked(processes.mark) == []


def run(address: str, processes: Processes, lines: list[str] | None = None) -> Outcome:
    seen = [] if lines is None else lines
    return graph.run_stage(address, processes, seen.append, lambda _figures: None)


def wait_for(path: Path, seconds: float = 20) -> str:
    deadline = time.monotonic() + seconds
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)
    return path.read_text()


def is_alive(pid: int) -> bool:
    """An ended process that nobody has waited for is not alive."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_projects_graph_equals_dvcs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dvc.repo import Repo

    folder = projects.make(tmp_path / "project", {})
    for name in ("dvc.yaml", "params.yaml", "timings/dvc.yaml", "data.dvc", "weights.dvc"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(projects.REPOSITORY / name, folder / name)
    monkeypatch.chdir(folder)
    with Repo(str(folder)) as repo:
        expected = {(a.addressing, b.addressing) for a, b in repo.index.graph.edges}
        nodes = {node.addressing for node in repo.index.graph}
    stages = graph.read(folder).stages
    assert {(s.address, each) for s in stages.values() for each in s.upstream} == expected
    assert len(expected) > 40
    assert set(stages) == nodes
    order = list(stages)
    assert all(
        order.index(up) < order.index(s.address) for s in stages.values() for up in s.upstream
    )
    trainings = [s for a, s in stages.items() if a.startswith("train@")]
    assert trainings
    assert {s.cores for s in trainings} == {load(Path("params.yaml")).training.threads}
    assert stages["prepare"].cores == 1


def test_held_out_rows_reach_the_benchmark_alone(project: Path) -> None:
    from dvc.repo import Repo

    for name in ("dvc.yaml", "params.yaml", "timings/dvc.yaml", "data.dvc", "weights.dvc"):
        (project / name).parent.mkdir(exist_ok=True)
        shutil.copy(projects.REPOSITORY / name, project / name)
    readers, writers = set(), set()
    with Repo(str(project)) as repo:
        for stage in repo.index.stages:
            kind = stage.addressing.split("@")[0]
            if any(Path(dep.def_path).parts[:1] == ("heldout",) for dep in stage.deps):
                readers.add(kind)
            if any(Path(out.def_path).parts[:1] == ("heldout",) for out in stage.outs):
                writers.add(kind)
    assert (readers, writers) == ({"benchmark"}, {"prepare"})
    stages = projects.REPOSITORY / "src" / "plait" / "stages"
    naming = {path.stem for path in stages.glob("*.py") if '"heldout' in path.read_text()}
    assert naming <= {"benchmark", "prepare"}
    assert "benchmark" in naming


def test_a_stage_runs_then_is_unchanged_then_restored(project: Path, processes: Processes) -> None:
    assert {"prepare", "train@a", "timing"} <= graph.read(project).changed
    lines: list[str] = []
    progress: list[object] = []
    assert run("prepare", processes) is Outcome.RAN
    outcome = graph.run_stage("train@a", processes, lines.append, progress.append)
    assert outcome is Outcome.RAN
    assert "training a" in lines
    assert len(progress) == 10
    assert not any("plait-progress" in line for line in lines)
    assert not graph.read(project).changed & {"prepare", "train@a"}
    assert run("train@a", processes) is Outcome.UNCHANGED
    (project / "model.a").unlink()
    assert run("train@a", processes) is Outcome.RESTORED
    assert (project / "model.a").read_text() == "a"
    assert graph.run_stage("train@a", processes, lines.append, progress.append, force=True) == "ran"


def test_outputs_of_another_state_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = {name: {**projects.training(name, 0), "params": ["seed"]} for name in ("a", "b")}
    project = projects.make(tmp_path / "project", stages)
    monkeypatch.chdir(project)
    projects.dvc(project, "repro")
    graph.require_current(project)
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("seed: 1", "seed: 2"))
    with pytest.raises(PlaitError) as refused:
        graph.require_current(project)
    assert str(refused.value) == (
        "2 stages are not up to date (a, b): what the last run left doesn't belong to the present "
        "data, parameters or code. Run `plait run` first."
    )


def test_a_users_mistake_is_told_in_its_own_words(processes: Processes) -> None:
    with pytest.raises(PlaitError, match=r"^mistake: rows.csv: row 3 has no text$"):
        run("mistake", processes)


def test_dvcs_refusal_is_a_users_mistake(project: Path, processes: Processes) -> None:
    with pytest.raises(PlaitError, match=r"(?s)^timing: .*No such file.*model\.a"):
        run("timing", processes)


def test_a_bug_is_a_crash_with_its_traceback(processes: Processes) -> None:
    with pytest.raises(StageCrashed, match=r"(?s)^bug: exited with 1\n.*ZeroDivisionError"):
        run("bug", processes)


@pytest.mark.parametrize("victim", ["training", "dvc"])
def test_a_killed_process_is_a_crash_that_leaves_nothing(
    project: Path, processes: Processes, victim: str
) -> None:
    def kill() -> None:
        pid = int(wait_for(project / "pid.slow"))
        shell = psutil.Process(pid).parents()
        dvc = next(p for p in shell if "repro" in p.cmdline())
        os.kill(pid if victim == "training" else dvc.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(StageCrashed, match=r"^slow: "):
        run("slow", processes)
    killer.join()
    assert marked(processes.mark) == []
    assert not is_alive(int((project / "pid.slow").read_text()))
    assert run("prepare", processes) is Outcome.RAN


@pytest.mark.parametrize("address", ["slow", "stubborn"])
def test_stopping_ends_every_process_in_ten_seconds(
    project: Path, processes: Processes, address: str
) -> None:
    raised: list[type[BaseException]] = []

    def start() -> None:
        try:
            run(address, processes)
        except Stopped:
            raised.append(Stopped)

    thread = threading.Thread(target=start)
    thread.start()
    wait_for(project / f"pid.{address}")
    assert len(marked(processes.mark)) > 1
    began = time.monotonic()
    processes.stop()
    thread.join()
    assert time.monotonic() - began < 10
    assert raised == [Stopped]
    assert marked(processes.mark) == []
    with pytest.raises(Stopped):
        run("prepare", processes)
    if address == "slow":  # which DVC could tidy up after
        assert "slow" not in (project / ".dvc" / "tmp" / "rwlock").read_text()


def test_an_interrupt_that_is_swallowed_stops_everything_all_the_same(project: Path) -> None:
    before, ended = signal.getsignal(signal.SIGINT), threading.Event()
    with Processes(project) as processes:

        def start() -> None:
            with pytest.raises(Stopped):
                run("slow", processes)
            ended.set()

        threading.Thread(target=start).start()
        wait_for(project / "pid.slow")
        with pytest.raises(KeyboardInterrupt):  # goes no further, as in a library that catches all
            signal.raise_signal(signal.SIGINT)
        assert ended.wait(10)
        assert processes.stopped
        assert marked(processes.mark) == []
    assert signal.getsignal(signal.SIGINT) is before


def test_nothing_outlives_a_killed_plait(project: Path) -> None:
    code = (
        "from pathlib import Path; from plait.running import graph\n"
        "from plait.running.processes import Processes\n"
        "with Processes(Path.cwd()) as p: graph.run_stage('slow', p, print, print)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    pid = int(wait_for(project / "pid.slow"))
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while marked(f"{project}|"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not is_alive(pid)


def test_a_run_ends_what_a_killed_run_left(project: Path) -> None:
    left = subprocess.Popen(["sleep", "60"], env={**os.environ, "PLAIT_PROCESSES": f"{project}|x|"})
    with only_run(project, lambda: pytest.fail("nobody else runs")):
        assert left.wait(timeout=10) == -signal.SIGTERM


def test_a_process_that_just_starts_is_found(tmp_path: Path) -> None:
    for number in range(20):
        mark = f"{tmp_path}|{number}|"
        env = {**os.environ, "PLAIT_PROCESSES": mark}
        with subprocess.Popen(["sleep", "60"], env=env) as child:
            found = [process.pid for process in marked(mark)]
            child.kill()
        assert found == [child.pid]


def test_a_second_run_waits_for_the_first(project: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from plait.running.processes import only_run\n"
        "with only_run(Path.cwd(), print): print('in', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        with only_run(project, other.stdin.close):
            assert other.wait(timeout=5) == 0


def test_stages_run_in_parallel(project: Path, processes: Processes) -> None:
    # Not prepare beside its readers: DVC doesn't wait for a path, so the graph's order must.
    names = ["train@a", "train@b+c", "bug"]
    run("prepare", processes)
    results: dict[str, object] = {}

    def work(name: str) -> None:
        try:
            results[name] = run(name, processes)
        except StageCrashed as error:
            results[name] = str(error).splitlines()[0]

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {
        "train@a": Outcome.RAN,
        "train@b+c": Outcome.RAN,
        "bug": "bug: exited with 1",
    }
    assert run("prepare", processes) is Outcome.UNCHANGED
    assert not graph.read(project).changed & {"train@a", "train@b+c", "prepare"}


def test_a_remote_gives_what_is_missing(project: Path, processes: Processes) -> None:
    run("prepare", processes)
    run("train@a", processes)
    assert graph.missing_outputs(project) == []
    projects.dvc(project, "remote", "add", "--default", "store", str(project.parent / "store"))
    projects.dvc(project, "push")
    shutil.rmtree(project / ".dvc" / "cache")
    (project / "model.a").unlink()
    assert graph.missing_outputs(project) == ["model.a"]
    graph.pull(["model.a"], processes, print)
    assert (project / "model.a").read_text() == "a"
    assert "train@a" not in graph.read(project).changed


def test_an_unreachable_remote_is_no_failure(project: Path, processes: Processes) -> None:
    run("prepare", processes)
    projects.dvc(project, "remote", "add", "--default", "store", str(project.parent / "gone"))
    shutil.rmtree(project / ".dvc" / "cache")
    (project / "rows").unlink()
    graph.pull(graph.missing_outputs(project), processes, lambda _line: None)
    assert graph.missing_outputs(project) == ["rows"]
    shutil.rmtree(project / ".dvc" / "tmp" / "runs", ignore_errors=True)
    assert run("prepare", processes) is Outcome.RAN


def test_dvcs_own_complaint_is_a_plait_error(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages:\n  a:\n    cmd: [\n")
    with pytest.raises(PlaitError, match="DVC can't read its graph"):
        graph.read(project)
