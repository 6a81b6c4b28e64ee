"""Trainings as the train stage runs them: real ones, of tiny candidates, in processes."""

import os
import subprocess
import sys
from pathlib import Path

from conftest import home_rows
from plait.approaches.base import Resolved
from plait.files import write_json
from plait.tasks import write_rows

TRAIN, DEV = {"home": home_rows(48)}, {"home": home_rows(12, 48)}


def project(folder: Path, encoder: Path, made: Resolved) -> Path:
    """A folder as the train stage finds it."""
    for split, rows in (("train", TRAIN), ("dev", DEV)):
        write_rows(folder / "inputs" / made.name / split / "home.jsonl", rows["home"])
    write_json(folder / "inputs" / made.name / "candidate.json", made.as_json())
    (folder / "weights").mkdir()
    (folder / "weights" / "tiny").symlink_to(encoder)
    return folder


def stage(folder: Path, made: Resolved, *how: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *(how or ("-m", "plait.stages.train")), made.name],
        cwd=folder,
        env={**os.environ, "PLAIT_PROGRESS_LINES": "1", **environment},
        stderr=subprocess.PIPE,
    )
