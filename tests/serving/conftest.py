"""Projects whose service has a champion, made once for all files here."""

import shutil
from pathlib import Path

import pytest

from plait.plans.promotion import promote
from production import experiment, measure


@pytest.fixture(scope="session")
def _promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two-champions")
    measure(folder)
    plans = {"one-per-task": ["tfidf-intent", "tfidf-slots"]}
    promote(experiment(plans=plans), folder)
    promote(experiment(), folder, consent="a test of serving")
    return folder


@pytest.fixture(scope="module")
def project(_promoted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of its own: record 2 serves (one model), record 1 did before (two models)."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(_promoted / "registry", folder / "registry")
    return folder


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose service `assistant` has a champion; not to be altered."""
    folder = tmp_path_factory.mktemp("served")
    measure(folder)
    promote(experiment(), folder)
    return folder
