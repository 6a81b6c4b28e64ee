"""A project that has been run, for each test its own."""

import shutil
from pathlib import Path

import pytest

from production import measure


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    measure(folder)
    return folder


@pytest.fixture
def root(measured: Path, tmp_path: Path) -> Path:
    """A project that has been run and never promoted."""
    shutil.copytree(measured, tmp_path / "project")
    return tmp_path / "project"
