"""Read and check data sets that params.yaml may get, without a project; nothing is left behind."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plait.errors import PlaitError
from plait.experiment.loading import SECTIONS, check
from plait.preparation.fetching import fetch
from plait.preparation.preparing import prepare
from plait.validation.report import Report
from plait.validation.validating import validate

Additions = Mapping[str, Mapping[str, Any]]
"""Section → name → entry."""


def try_out(additions: Additions, origin: str) -> Report:
    """Fetch, prepare and check the data sets and tasks, with the default limits.

    Args:
        origin: what errors name as the place of the settings.

    Raises:
        PlaitError: a setting is wrong, or a file can't be read with these settings.
    """
    experiment = check({**{name: {} for name in SECTIONS}, "seed": 0, **additions}, origin)
    with tempfile.TemporaryDirectory(prefix="plait-trial-") as scratch:
        folder = Path(scratch)
        try:
            fetch(experiment, folder / "data", folder / "weights")
            outputs = (folder / name for name in ("prepared", "inputs", "heldout"))
            prepare(experiment, folder / "data", *outputs)
        except PlaitError as error:
            raise PlaitError(_own_paths(str(error), additions, folder / "data")) from error
        return validate(folder / "prepared", experiment.declared_tasks(), experiment.validation)


def _own_paths(message: str, additions: Additions, data: Path) -> str:
    """The message with the user's files in place of their copies."""
    for name, settings in additions["datasets"].items():
        for file in settings["files"]:
            message = message.replace(str(data / name / Path(file["path"]).name), file["path"])
    return message
