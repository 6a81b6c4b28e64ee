"""Requests made up from `/openapi.json`: answered as it says, and never with 5xx."""

import subprocess
import sys
from pathlib import Path

import pytest

from serving import serving

SMALL = ("--max-characters", "200", "--max-texts", "20", "--max-body-bytes", "20000")
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["200", "422"]
[checks.negative_data_rejection]
expected-statuses = ["4xx"]
"""
"""No schema can say what `plait.segmentation.is_blank` does: a text of it is a 422."""


def fuzz(project: Path, examples: int) -> None:
    config = project / "schemathesis.toml"
    config.write_text(SETTINGS)
    with serving(project, *SMALL) as running:
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config),
                "run", f"{running.url}/openapi.json", "--max-examples", str(examples),
                "--seed", "1", "--checks", "all", "--generation-database", "none",
            ],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert running.metric('plait_requests_total{path="/v1/predict",status="200"}') > 3
        assert 'status="5' not in running.get("/metrics").text
        assert not [line for line in running.log() if line["event"] == "failed"]


def test_made_up_requests_are_answered_as_documented(project: Path) -> None:
    fuzz(project, 15)


@pytest.mark.slow
def test_many_made_up_requests_are_answered_as_documented(project: Path) -> None:
    fuzz(project, 1000)
