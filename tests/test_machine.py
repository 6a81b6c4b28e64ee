"""What the machine has: cores within affinity and a container's limit, and a GPU or none."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from plait.machine import cores, has_gpu, limit_threads, threads
from plait.running import graph
from plait.running.graph import Graph, Stage
from plait.running.ready import Walk

ROOT = Path(__file__).parents[1]
CORES = "import plait.machine; print(plait.machine.cores())"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_cores_are_those_that_the_process_may_run_on() -> None:
    one = min(os.sched_getaffinity(0))
    done = subprocess.run(
        [sys.executable, "-c", f"import os; os.sched_setaffinity(0, [{one}]); {CORES}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == 1
    assert cores() <= len(os.sched_getaffinity(0))


QUOTAS = {"version 1": ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"), "version 2": ("cpu.max",)}
VALUES = {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000", "cpu.max": "9 10"}


@pytest.mark.parametrize("version", QUOTAS)
def test_a_containers_limit_counts(version: str) -> None:
    """In a mount namespace of its own the process sees the files that a container shows."""
    files = "; ".join(f"echo {VALUES[name]} > /sys/fs/cgroup/{name}" for name in QUOTAS[version])
    shell = f"mount -t tmpfs none /sys/fs/cgroup && mkdir /sys/fs/cgroup/cpu && {files}"
    namespace = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    possible = (
        shutil.which("unshare")
        and not subprocess.run(
            [*namespace, "mount -t tmpfs none /sys/fs/cgroup"], capture_output=True
        ).returncode
    )
    if not possible or (os.cpu_count() or 1) < 2:
        pytest.skip("needs two cores and the right to a mount namespace")
    done = subprocess.run(
        [*namespace, f"{shell} && exec {sys.executable} -c '{CORES}'"],
        capture_output=True,
        text=True,
    )
    assert (done.stdout.strip(), done.stderr) == ("1", "")


@pytest.mark.parametrize(
    ("visible", "nodes", "found"),
    [
        (None, ["nvidia0", "nvidiactl"], True),
        (None, ["dxg"], True),
        (None, ["nvidiactl", "nvidia-uvm", "null"], False),
        ("0,1", ["nvidia0", "nvidia1"], True),
        ("", ["nvidia0"], False),
        ("-1,0", ["nvidia0"], False),
        ("0", [], False),
    ],
)
def test_a_gpu_is_one_that_cuda_would_see(
    visible: str | None,
    nodes: list[str],
    found: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    for node in nodes:
        (tmp_path / node).touch()
    assert has_gpu(tmp_path) is found


def test_the_answer_is_torchs() -> None:
    import torch

    if torch.version.cuda is None and has_gpu():
        pytest.skip("a GPU is here, but this torch is built for the CPU")
    assert has_gpu() is torch.cuda.is_available()


@pytest.mark.parametrize(("gpu", "started"), [(True, ["a", "c"]), (False, ["a", "b", "c"])])
def test_stages_wait_for_a_gpu_only_where_there_is_one(gpu: bool, started: list[str]) -> None:
    stages = {name: Stage(name, gpu=name in "ab") for name in "abc"}
    assert Walk(Graph(stages, frozenset("abc")), cores=8, gpu=gpu).start() == started


def test_a_walk_asks_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    walk = Walk(Graph({}, frozenset()))
    assert (walk.gpu, walk.cores) == (False, cores())


def test_stages_that_run_a_model_ask_for_the_gpu_or_are_alone() -> None:
    stages = graph.read(ROOT).stages.values()
    marks = {(each.address.rpartition(":")[2].partition("@")[0], each.gpu) for each in stages}
    assert {name for name, gpu in marks if gpu} == {"train", "benchmark"}
    alone = {each.address.rpartition(":")[2].partition("@")[0] for each in stages if each.alone}
    assert alone == {"timing", "request"}


def test_threads_are_those_that_torch_would_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads() == 3
    for unsaid in ("", "0", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", unsaid)
        assert threads() == cores()


def test_a_limit_of_threads_holds_for_one_thread_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with ThreadPoolExecutor(1, initializer=limit_threads, initargs=(1,)) as pool:
        assert pool.submit(threads).result() == 1
        assert threads() == 3
