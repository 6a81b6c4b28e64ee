"""The GPU campaign, dry: every step runs in tiny sizes on the CPU, and a killed run goes on."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import gpu_campaign
import gpu_page
import gpu_steps
from plait.running.processes import marked
from projects import REPOSITORY

TABLES = {
    "tests": {"tests": {"test", "state", "seconds", "message"}},
    "rate-minilm": {"rates": {"way", "batch", "tokens a second", "over Trainer", "utilisation"}},
    "rate-smollm2": {"rates": {"way", "batch", "tokens a second", "over Trainer", "utilisation"}},
    "answers": {"answers": {"way", "batch", "milliseconds a batch", "over label, generate"}},
    "latency": {"latency": {"backbone", "tokens", "batch", "p50 ms", "p95 ms", "texts a second"}},
    "shape-1b": {"shapes": {"shape", "method", "parameters", "tokens a second", "peak GiB"}},
    "shape-8b": {"shapes": {"shape", "method", "parameters", "tokens a second", "peak GiB"}},
    **{
        step: {
            "records": {"candidate", "task", "metric", "value", "n", "ci95"},
            "verdicts": {"service", "winner", "verdict"},
            "plans": {"service", "plan", "p50 ms"},
        }
        for step in gpu_campaign.STEPS
        if step.startswith("quality")
    },
}


def command(folder: Path, *more: str) -> list[str]:
    path = REPOSITORY / "benchmarks/gpu_campaign.py"
    places = ["--folder", str(folder / "work"), "--output", str(folder / "gpu")]
    return [sys.executable, str(path), "--dry", *places, *more]


def steps(folder: Path) -> dict[str, Any]:
    path = folder / "gpu.json"
    if not path.exists():
        return {}
    (run,) = json.loads(path.read_text(encoding="utf-8"))["runs"]
    found: dict[str, Any] = run["steps"]
    return found


def test_every_step_that_is_named_exists() -> None:
    assert list(gpu_campaign.STEPS) == list(gpu_steps.STEPS)
    assert set(gpu_campaign.STEPS) == set(TABLES)


@pytest.mark.timeout(900)
def test_a_killed_campaign_goes_on_and_runs_every_step(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command(tmp_path), env=environment, stdout=subprocess.PIPE)
    while steps(tmp_path).get("rate-minilm", {}).get("state") != "running":
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = steps(tmp_path)["tests"]
    assert first["state"] == "done"
    done = subprocess.run(
        command(tmp_path), env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "tests: done before" in done.stdout
    found = steps(tmp_path)
    assert {name: step["error"] for name, step in found.items() if step["state"] != "done"} == {}
    assert found["tests"] == first
    assert set(found) == set(TABLES)
    assert marked(f"{tmp_path / 'work'}|") == []
    for step, tables in TABLES.items():
        for title, columns in tables.items():
            lines = found[step]["found"][title]
            assert lines, step
            assert all(columns <= set(line) for line in lines), step
    _the_page_shows_it(tmp_path)


def _the_page_shows_it(folder: Path) -> None:
    text = (folder / "gpu.md").read_text(encoding="utf-8")
    runs = json.loads((folder / "gpu.json").read_text(encoding="utf-8"))["runs"]
    assert text == gpu_page.page(runs)
    for step in TABLES:
        assert f"### {step}\n" in text
    assert "dry: tiny sizes, the figures mean nothing" in text


@pytest.mark.parametrize(
    ("step", "seconds", "state", "error"),
    [("shape-1b", 0.3, "cut", "more than 0 s"), ("latency", 100, "failed", "no such raw file")],
)
def test_a_step_that_is_cut_or_fails_says_so(
    tmp_path: Path, step: str, seconds: float, state: str, error: str
) -> None:
    (tmp_path / "found").mkdir()  # and no data
    options = argparse.Namespace(folder=tmp_path, dry=True)
    journal = gpu_campaign.Journal(tmp_path / "gpu", gpu_campaign.this_run(tmp_path, dry=True))
    gpu_campaign.run_step(options, journal, step, seconds)
    found = steps(tmp_path)[step]
    assert found["state"] == state
    assert error in found["error"]
    assert marked(f"{tmp_path}|") == []
    assert not journal.done(step)
    assert found["error"].splitlines()[-1] in (tmp_path / "gpu.md").read_text(encoding="utf-8")


def test_data_that_are_missing_are_named_with_a_remedy(tmp_path: Path) -> None:
    real = [part for part in command(tmp_path) if part != "--dry"]
    environment = {k: v for k, v in os.environ.items() if k != "PLAIT_MIRROR"}
    done = subprocess.run(real, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "mirror/20news-bydate.tar.gz: no such file. Unpack the parts" in done.stderr
    assert not (tmp_path / "gpu.json").exists()
