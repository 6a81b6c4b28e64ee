"""A run that left something out: it promotes what it has, and ends as failed."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import projects

STAGES = {
    "good": {"cmd": "echo > good", "outs": ["good"]},
    "end": {
        "cmd": "echo a candidate was stopped >&2; exit 2",
        "deps": ["good"],
        "outs": ["end"],
        "meta": {"outcome": True},
    },
}


@pytest.mark.services
@pytest.mark.timeout(300)
def test_what_a_run_left_out_fails_it_after_the_promotion(tmp_path: Path) -> None:
    folder = projects.make(tmp_path / "project", STAGES)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        api = f"http://127.0.0.1:{probe.getsockname()[1]}/api"
    done = subprocess.run(
        [sys.executable, "-m", "plait.cli", "run", "--stop-server"],
        cwd=folder,
        env={**os.environ, "PREFECT_API_URL": api},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "✗ end  failed" in done.stdout
    assert "error: Failed: end: a candidate was stopped\nPromotion:\n" in done.stderr
    assert "dvc metrics show" in done.stdout  # the next commands stand below the results
