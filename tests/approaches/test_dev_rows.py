"""The dev rows that weights are chosen by: drawn by the seed, so that no task goes without."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import INTENT, SLOTS, candidate, home_rows
from plait.approaches.generative import Generative
from plait.approaches.heads import Heads
from plait.approaches.learning import dev_scores, drawn
from plait.errors import PlaitError
from plait.scores.headline import headline
from plait.tasks import Row
from trainings import DEV, TRAIN

MADE = candidate(INTENT, SLOTS, epochs=0.2)


def without(rows: Sequence[Row], field: str, kept: Sequence[int] = ()) -> list[Row]:
    """Rows that have no label in the field, but those at the places `kept`."""
    return [
        row
        if i in kept
        else replace(row, labels={k: v for k, v in row.labels.items() if k != field})
        for i, row in enumerate(rows)
    ]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("most", [None, 1, 2, 7, 40, 99])
def test_where_all_rows_have_all_labels_the_draw_is_the_seeds_alone(
    most: int | None, seed: int
) -> None:
    rows = home_rows(40)
    places = np.random.default_rng(seed).permutation(40)[: most or 40]
    found = drawn({"home": rows}, replace(MADE, seed=seed), most)
    assert found == {"home": [rows[i] for i in sorted(places)]}


def test_labels_on_some_rows_change_nothing_where_each_task_has_one_drawn() -> None:
    rows = home_rows(40)
    places = np.random.default_rng(MADE.seed).permutation(40)[:6].tolist()
    sparse = without(rows, "slots", kept=places[4:])
    assert drawn({"home": sparse}, MADE, 6)["home"] == [sparse[i] for i in sorted(places)]


@pytest.mark.parametrize("most", [2, 3, 20])
@pytest.mark.parametrize("kept", [0, 17, 39])
def test_the_one_row_with_a_tasks_label_is_drawn(
    most: int, kept: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = without(home_rows(40), "slots", kept=[kept])
    found = drawn({"home": rows}, MADE, most)["home"]
    assert rows[kept] in found
    assert len(found) == most
    assert found == sorted(found, key=rows.index)
    assert capsys.readouterr().err == ""


def test_two_tasks_that_share_no_row_both_get_one() -> None:
    rows = without(without(home_rows(40), "slots", kept=[8]), "intent", kept=[31])
    assert drawn({"home": rows}, MADE, 2)["home"] == [rows[8], rows[31]]


def test_a_task_without_labels_is_left_out_of_the_mean_and_named_once(
    tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = candidate(INTENT, SLOTS, epochs=1, evaluations=3, dev_rows=5)
    dev = {"home": without(DEV["home"], "slots")}
    model = Heads.train(made, tiny_encoder, TRAIN, dev, tmp_path)
    words = (
        "weights are chosen without task 'slots': 5 of 12 dev rows of 'home' are read "
        "(training.dev_rows), none with a label in 'slots'\n"
    )
    assert capsys.readouterr().err.count(words) == 1
    chosen = drawn(dev, made, 5)
    answers = model.predict([row.text for row in chosen["home"]])
    gold = [row.labels["intent"] for row in chosen["home"]]
    assert dev_scores(model, chosen) == {"intent": headline(INTENT, gold, answers["intent"])}


def test_a_classification_without_labels_no_longer_ends_the_training(
    tiny_decoder: Path, tmp_path: Path
) -> None:
    made = candidate(INTENT, SLOTS, approach="generative", epochs=0.2, max_length=64)
    Generative.train(made, tiny_decoder, TRAIN, {"home": without(DEV["home"], "intent")}, tmp_path)


@pytest.mark.parametrize(
    "dev",
    [{"home": without(without(DEV["home"], "slots"), "intent")}, {"home": []}, {}],
    ids=["no labels", "no rows", "no dataset"],
)
def test_without_any_label_training_says_so_before_it_begins(
    dev: dict[str, list[Row]], tiny_encoder: Path, tmp_path: Path
) -> None:
    count = len(dev.get("home", ()))
    words = (
        rf"dataset 'home': {count} dev rows, none with a label for any of its tasks \(intent, slots"
    )
    with pytest.raises(PlaitError, match=words) as caught:
        Heads.train(MADE, tiny_encoder, TRAIN, dev, tmp_path)
    assert "training.dev_rows" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
