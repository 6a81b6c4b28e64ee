"""A project whose service has a champion."""

from pathlib import Path

import pytest

from plait.plans.promotion import promote
from production import experiment, measure


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose service `assistant` has a champion; not to be altered."""
    folder = tmp_path_factory.mktemp("served")
    measure(folder)
    promote(experiment(), folder)
    return folder
