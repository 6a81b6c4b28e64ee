"""The matrix of docs/models.md, written after a whole run."""

import os
from pathlib import Path

import pytest

from architectures import APPROACHES, ARCHITECTURES
from plait.conformance import matrix
from projects import REPOSITORY

WRITE = "PLAIT_MATRIX"
"""Environment variable: when set, docs/models.md gets the results of this run.

With `again`, what fitted in the run before is taken from there, and not run again.
"""
RESULTS = REPOSITORY / ".pytest_cache/matrix"
PAGE = REPOSITORY / "docs/models.md"
CELLS = [
    (name, approach) for name, made in ARCHITECTURES.items() for approach in APPROACHES[made.kind]
]


def _writes(config: pytest.Config) -> bool:
    """Whether this is the process that begins and ends the run: pytest-xdist has workers, too."""
    return bool(os.environ.get(WRITE)) and not hasattr(config, "workerinput")


def pytest_sessionstart(session: pytest.Session) -> None:
    if _writes(session.config) and os.environ[WRITE] != "again":
        for path in RESULTS.glob("*.json"):
            path.unlink()


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _writes(session.config) and (found := matrix.read(RESULTS)):
        matrix.rewrite(PAGE, matrix.table(found, CELLS))


@pytest.fixture(scope="session")
def results() -> Path:
    return RESULTS
