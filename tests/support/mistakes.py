"""What a check of an experiment says."""

from typing import Any

import pytest

from plait.errors import PlaitError
from plait.experiment.loading import check


def mistakes(value: Any) -> list[str]:
    """The lines that `check` reports, without the heading."""
    with pytest.raises(PlaitError) as error:
        check(value, "params.yaml")
    heading, *lines = str(error.value).splitlines()
    assert heading == f"params.yaml: {len(lines)} mistake(s)"
    return [line.strip() for line in lines]
