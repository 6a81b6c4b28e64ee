"""Approach `heads` where several labels may apply: loss, thresholds, training beside a task."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel

from conftest import candidate
from plait.approaches.heads import Heads
from plait.approaches.heads.learning import LearnedHeads
from plait.approaches.heads.network import Network
from plait.approaches.labelling import marks
from plait.scores.headline import headline
from plait.tasks import Prediction, Row, SetPrediction, Task
from plait.training.batches import IGNORED
from posts import COUNT, LABELS, TOPICS, rows

LEARNING = {"epochs": 12, "precision": "fp32", "threads": 1, "batch_size": 8, "evaluations": 2}


def sets(answers: list[Prediction]) -> list[SetPrediction]:
    return [answer for answer in answers if isinstance(answer, SetPrediction)]


def network(encoder: Path, *tasks: Task) -> Network:
    torch.manual_seed(0)
    return Network(AutoModel.from_pretrained(encoder, dtype=torch.float32), tasks).eval()


def inputs(count: int) -> dict[str, torch.Tensor]:
    ids = torch.arange(5, 5 + 4 * count).reshape(count, 4)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def test_a_rows_loss_is_the_sum_over_its_labels(tiny_encoder: Path) -> None:
    """The loop divides by the targets, of which a row has one a label."""
    net, read = network(tiny_encoder, TOPICS), inputs(3)
    targets = torch.tensor([[1, 0, 1], [IGNORED] * 3, [0, 0, 0]])
    with torch.inference_mode():
        found = net(read, {"topics": targets})["topics"] / (targets != IGNORED).sum()
        scores = net.logits(read, ["topics"])["topics"]
    signs = torch.tensor([[1, -1, 1], [-1, -1, -1]])
    by_hand = -torch.nn.functional.logsigmoid(signs * scores[[0, 2]]).sum(1).mean()
    assert float(found) == pytest.approx(float(by_hand), rel=1e-5)


def test_before_training_the_loss_is_near_that_of_a_classification(tiny_encoder: Path) -> None:
    """A softmax over 60 labels begins at ln 60; 60 sigmoids at 1/2 would begin at 60 ln 2."""
    labels = tuple(f"l{i:02}" for i in range(60))
    one = Task("one", "d", "classification", "one", labels, "accuracy")
    several = Task("several", "d", "multilabel", "several", labels, "micro_f1")
    net, read = network(tiny_encoder, one, several), inputs(4)
    single = torch.tensor([[3], [5], [8], [59]])
    marked = torch.nn.functional.one_hot(single[:, 0], 60)
    with torch.inference_mode():
        losses = net(read, {"one": single, "several": marked})
    assert float(losses["one"]) / 4 == pytest.approx(math.log(60), abs=0.6)
    assert float(losses["several"]) / (4 * 60) == pytest.approx(math.log(60) + 1, abs=0.6)


def test_other_heads_begin_as_they_did(tiny_encoder: Path) -> None:
    alone = network(tiny_encoder, COUNT).state_dict()
    beside = network(tiny_encoder, COUNT, TOPICS).state_dict()
    assert all(torch.equal(alone[name], beside[name]) for name in alone)
    assert set(beside) - set(alone) == {"heads.1.weight", "heads.1.bias", "thresholds1"}


@pytest.fixture(scope="module")
def learned(
    tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[LearnedHeads, list[Row], Path]:
    folder = tmp_path_factory.mktemp("heads")
    train = [
        *rows(160),
        *(Row(f"n{i}", "nothing", {"topics": None, "count": "few"}) for i in range(8)),
    ]
    dev = rows(48, 160)
    made = candidate(COUNT, TOPICS, **LEARNING)
    model = LearnedHeads.train(made, tiny_encoder, {"posts": train}, {"posts": dev}, folder)
    return model, dev, folder


def test_topics_are_learned_beside_another_task(
    learned: tuple[LearnedHeads, list[Row], Path],
) -> None:
    held = rows(40, 300)
    found = learned[0].predict([row.text for row in held])
    assert headline(TOPICS, [row.labels["topics"] for row in held], found["topics"]) > 0.9
    assert headline(COUNT, [row.labels["count"] for row in held], found["count"]) > 0.8


def test_thresholds_are_those_of_the_dev_rows_and_kept(
    learned: tuple[LearnedHeads, list[Row], Path], tmp_path: Path
) -> None:
    model, dev, _ = learned
    texts = [row.text for row in dev]
    found = sets(model.predict(texts)["topics"])
    kept = model.module.thresholds("topics").clone()
    probabilities = np.array([list(answer.probabilities.values()) for answer in found])
    gold = np.array([marks(TOPICS, row.labels["topics"]) for row in dev])
    assert not np.allclose(kept.numpy(), 0.5, atol=1e-3)
    for answer, values in zip(found, probabilities, strict=True):
        assert answer.labels == tuple(np.array(LABELS)[values >= kept.numpy()])
    # Dev rows that are labelled the other way round need other thresholds.
    other = [
        Row(r.id, r.text, {"topics": tuple(n for n, m in zip(LABELS, g, strict=True) if not m)})
        for r, g in zip(dev, gold, strict=True)
    ]
    model.settle({"posts": other})
    assert not torch.equal(model.module.thresholds("topics"), kept)
    model.settle({"posts": [Row(r.id, r.text, {"topics": None}) for r in dev]})
    model.settle({"posts": dev})
    assert torch.equal(model.module.thresholds("topics"), kept)
    model.save(tmp_path)
    again = Heads.load(tmp_path, model.tasks)
    assert np.array_equal(again.engine.thresholds(TOPICS), kept.numpy())
    assert [a.labels for a in sets(again.predict(texts)["topics"])] == [a.labels for a in found]


def test_long_texts_are_answered_by_their_slices(tiny_encoder: Path, tmp_path: Path) -> None:
    long = [Row(row.id, f"{row.text} " * 6, row.labels) for row in rows(24)]
    made = candidate(TOPICS, options={"windows": True}, **{**LEARNING, "epochs": 1})
    model = LearnedHeads.train(made, tiny_encoder, {"posts": long}, {"posts": long}, tmp_path)
    (answer,) = sets(model.predict([long[7].text])["topics"])
    parts = [long[7].text[a:b] for a, b in model.reach.split(long[7].text)]
    assert len(parts) > 1
    each = sets(model.predict(parts)["topics"])
    for label in LABELS:
        assert min(p.probabilities[label] for p in each) <= answer.probabilities[label]
        assert answer.probabilities[label] <= max(p.probabilities[label] for p in each)
    assert not model.truncated([long[7].text])[0]


def test_thresholds_belong_to_the_weights_that_are_kept(tiny_encoder: Path, tmp_path: Path) -> None:
    """Dev rows with all labels are right from the first evaluation on, whose weights then stay."""
    dev = [Row(row.id, row.text, {"topics": LABELS}) for row in rows(24, 80)]
    made = candidate(TOPICS, **{**LEARNING, "epochs": 4})
    model = LearnedHeads.train(made, tiny_encoder, {"posts": rows(80)}, {"posts": dev}, tmp_path)
    kept = model.module.thresholds("topics").clone()
    model.settle({"posts": dev})
    assert torch.equal(model.module.thresholds("topics"), kept)
