"""Trackers that a training also tells its curves, where `training.trackers` names some.

They are accelerate's; what they write is theirs, with times, so no stage depends on it.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.errors import PlaitError

if TYPE_CHECKING:
    from accelerate import Accelerator

TRACKED = "trackers"
"""Folder beside the checkpoints for what trackers write."""
Log = Callable[[int, Mapping[str, float], int], None]
"""Tells a step's number, its values, and the rows that it learned from."""


def check_trackers(names: Sequence[str]) -> None:
    """Refuse trackers whose package is not installed.

    Raises:
        PlaitError: names them.
    """
    if missing := [name for name in names if find_spec(name) is None]:
        raise PlaitError(
            f"training.trackers: found {', '.join(missing)}, whose package is not installed. "
            f"Install it: `pip install {' '.join(missing)}`, or leave it out."
        )


@contextmanager
def tracking(accelerator: "Accelerator", names: Sequence[str], run: str) -> Iterator[Log]:
    """Start the trackers of a run, and end them with the block. W&B and MLflow stay offline."""
    if names:
        folder = Path(str(accelerator.project_dir))
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("WANDB_MODE", "offline")
        os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{folder.resolve()}/mlflow.db")
        own: Any = {"wandb": {"dir": str(folder)}, "mlflow": {"logging_dir": str(folder)}}
        accelerator.init_trackers(run, init_kwargs=own)
    begun = time.monotonic()

    def log(step: int, values: Mapping[str, float], rows: int) -> None:
        nonlocal begun
        seconds, begun = time.monotonic() - begun, time.monotonic()
        accelerator.log({**values, "rows-per-second": rows / max(seconds, 1e-9)}, step=step)

    try:
        yield log if names else _silent
    finally:
        for tracker in accelerator.trackers if names else ():
            tracker.finish()


def keep_tracked(scratch: Path, folder: Path) -> None:
    """Move what trackers wrote out of the checkpoints' folder, beside that of earlier trainings."""
    if (scratch / TRACKED).is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(scratch / TRACKED, folder / time.strftime("%Y-%m-%dT%H-%M-%S"))


def _silent(_step: int, _values: Mapping[str, float], _rows: int) -> None:
    pass
