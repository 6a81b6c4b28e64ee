"""Trackers are told the curves of a training, and what they write is kept."""

from pathlib import Path

import pytest

from conftest import INTENT, candidate
from plait.errors import PlaitError
from plait.files import read_json
from plait.training.trackers import check_trackers
from trainings import project, stage


def test_tensorboard_has_the_values_of_every_step(tiny_encoder: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    made = candidate(INTENT, epochs=2, evaluations=2, trackers=("tensorboard",))
    root = project(tmp_path / "project", tiny_encoder, made)
    process = stage(root, made)
    errors = process.communicate()[1].decode()
    assert process.returncode == 0, errors
    (run,) = (root / ".plait/trackers" / made.name).iterdir()
    events = EventAccumulator(str(run / made.name))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {
        *("loss", "learning-rate", "gradient-norm", "dev", "rows-per-second"),
    }
    told = {event.step: event.value for event in events.Scalars("loss")}
    curve = read_json(root / "curves" / made.name / "loss.json")
    assert told == {point["step"]: pytest.approx(point["value"], rel=1e-4) for point in curve}
    assert not (root / ".plait/checkpoints" / made.name).exists()


def test_a_tracker_that_is_not_installed_is_named() -> None:
    with pytest.raises(PlaitError, match=r"trackers: found no_such_one, .* `pip install no_such"):
        check_trackers(["tensorboard", "no_such_one"])
