"""The history of a training: means of steps, whole after a kill, and drawn."""

from pathlib import Path

import pytest

from conftest import INTENT, SLOTS, candidate
from plait.approaches.heads import Heads
from plait.report.pictures import curves_picture
from plait.training.history import POINTS, History, read_curves, write_curves
from trainings import DEV, TRAIN


def test_a_point_is_the_mean_since_the_one_before_it() -> None:
    history, total = History(), 2 * POINTS + 1
    for step in range(1, total + 1):
        history.add(step, total, {"loss": step, **({"loss-a": 1.0} if step == 2 else {})})
    loss = history.curves["loss"]
    assert loss[:2] == [{"step": 3, "value": 2.0}, {"step": 6, "value": 5.0}]
    assert loss[-1] == {"step": total, "value": 400.0 if total % 3 == 1 else 400.5}
    assert len(loss) <= POINTS
    assert history.curves["loss-a"] == [{"step": 3, "value": 1.0}]


def test_a_training_of_two_tasks_has_these_curves(tiny_encoder: Path, tmp_path: Path) -> None:
    model = Heads.train(
        candidate(INTENT, SLOTS, epochs=2, evaluations=2), tiny_encoder, TRAIN, DEV, tmp_path
    )
    curves = model.curves()
    assert set(curves) == {
        *("loss", "loss-intent", "loss-slots", "learning-rate", "gradient-norm"),
        *("dev", "dev-intent", "dev-slots"),
    }
    steps = len(curves["loss"])
    assert [len(curves[name]) for name in ("loss-intent", "learning-rate", "dev")] == [
        steps,
        steps,
        2,
    ]
    for point, intent, slots in zip(
        curves["loss"], curves["loss-intent"], curves["loss-slots"], strict=True
    ):
        assert point["value"] == pytest.approx(intent["value"] + slots["value"], rel=1e-4)
    assert curves["loss"][-1]["value"] < curves["loss"][0]["value"]
    last = curves["dev"][-1]["value"]
    assert last == pytest.approx(
        (curves["dev-intent"][-1]["value"] + curves["dev-slots"][-1]["value"]) / 2, abs=1e-5
    )
    write_curves(curves, tmp_path / "curves")
    assert read_curves(tmp_path / "curves") == curves
    drawn = curves_picture(curves, "one+two")
    for word in ("loss-intent", "dev-slots", "dev score, percent", 'id="training-one_two-'):
        assert word in drawn
