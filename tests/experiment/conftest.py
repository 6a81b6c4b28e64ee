"""A sound experiment, for each test its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from plait import strict_yaml

DEFAULT = strict_yaml.read(Path(__file__).parents[2] / "experiments" / "default.yaml")


@pytest.fixture
def value() -> Any:
    """A sound experiment to make mistakes in."""
    return json.loads(json.dumps(DEFAULT))  # and not deepcopy: YAML anchors share sections
