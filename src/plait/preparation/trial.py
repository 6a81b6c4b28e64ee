"""Read and check data sets that params.yaml may get, without a project; nothing is left behind."""

import tempfile
from pathlib import Path

from plait.experiment.editing import Additions
from plait.experiment.loading import SECTIONS, check
from plait.experiment.schema import Experiment
from plait.preparation.fetching import fetch
from plait.preparation.preparing import prepare
from plait.validation.report import Report
from plait.validation.validating import validate


def try_out(additions: Additions, origin: str) -> Report:
    """Fetch, prepare and check the data sets and tasks, with the default limits.

    Args:
        origin: what errors name as the place of the settings.

    Raises:
        PlaitError: a setting is wrong, or a file can't be read with these settings.
    """
    experiment = alone(additions, origin)
    with tempfile.TemporaryDirectory(prefix="plait-trial-") as scratch:
        folder = Path(scratch)
        fetch(experiment, folder / "data", folder / "weights")
        return prepared_report(experiment, folder / "data", folder)


def alone(additions: Additions, origin: str) -> Experiment:
    """An experiment of these data sets and tasks, and of nothing else.

    Raises:
        PlaitError: a setting is wrong; names `origin`.
    """
    return check({**{name: {} for name in SECTIONS}, "seed": 0, **additions}, origin)


def prepared_report(experiment: Experiment, raw: Path, scratch: Path) -> Report:
    """Prepare raw files in a scratch folder, and check the rows.

    Raises:
        PlaitError: a file can't be read with these settings.
    """
    outputs = (scratch / name for name in ("prepared", "inputs", "heldout"))
    prepare(experiment, raw, *outputs)
    return validate(scratch / "prepared", experiment.declared_tasks(), experiment.validation)
