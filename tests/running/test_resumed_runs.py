"""The same bytes again, from nothing and after a kill, through the real entry points."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import projects
from plait import bundle

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

OUTPUTS = (
    *(
        "digests",
        "fetched",
        "data",
        "weights",
        "prepared",
        "inputs",
        "heldout",
        "validation",
        "models",
    ),
    *(
        "predictions",
        "confusions",
        "scores",
        "timings/measured",
        "timings/requests",
        "report",
        ".dvc/cache",
        ".dvc/tmp",
    ),
)
BIN = Path(sys.executable).parent


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def repro(folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [str(BIN / "dvc"), "repro"], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_everything_deleted_comes_back_byte_for_byte(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = projects.working_tree(tmp_path / "project", "smoke")
    repro(folder, environment)
    lock = (folder / "dvc.lock").read_bytes()
    assert b"train@minilm-intent+slots" in lock
    ran = re.findall(r"Running stage '([^']+)'", repro(folder, environment))
    assert ran == ["code"]  # which always runs
    for name in OUTPUTS:
        shutil.rmtree(folder / name)
    (folder / "finished.json").unlink()
    repro(folder, environment)
    assert (folder / "dvc.lock").read_bytes() == lock


def test_killed_in_the_middle_of_training_a_run_goes_on(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = projects.working_tree(tmp_path / "project", "smoke")
    text = (folder / "params.yaml").read_text()
    settings = "epochs: 6\n  checkpoint_seconds: 0"
    (folder / "params.yaml").write_text(text.replace("epochs: 1", settings))
    command = [sys.executable, "-m", "plait.cli", "run", "--stop-server"]
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)
    state = folder / ".plait/checkpoints/minilm-intent+slots/last/state.json"
    while not state.exists() or '"step": 2' not in state.read_text():
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.05)
    for child in _descendants(process.pid):
        os.kill(child, signal.SIGKILL)
    process.wait()
    assert not (folder / "models/minilm-intent+slots").exists()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    resumed = bundle.digest(folder / "models/minilm-intent+slots")
    subprocess.run(
        [sys.executable, "-m", "plait.stages.train", "minilm-intent+slots"],
        cwd=folder,
        env=environment,
        check=True,
    )
    assert bundle.digest(folder / "models/minilm-intent+slots") == resumed


def _descendants(pid: int) -> list[int]:
    """The process and all below it, the server left out: it serves other runs, too."""
    import psutil

    root = psutil.Process(pid)
    found = [
        p for p in root.children(recursive=True) if "prefect server" not in " ".join(p.cmdline())
    ]
    return [p.pid for p in [root, *found]]
