"""Approach `linear` where several labels may apply."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from conftest import candidate
from plait.approaches.labelling import marks
from plait.approaches.linear import Linear
from plait.approaches.linear import separator as separators
from plait.approaches.linear.features import word_features
from plait.errors import PlaitError
from plait.scores.headline import headline
from plait.tasks import Prediction, Row, SetPrediction, Task
from posts import COUNT, LABELS, TOPICS, rows


def learned(tmp_path: Path, train: list[Row], dev: list[Row], *tasks: Task) -> Linear:
    made = candidate(*tasks, approach="linear")
    return Linear.train(made, tmp_path, {"posts": train}, {"posts": dev}, tmp_path)


def sets(answers: list[Prediction]) -> list[SetPrediction]:
    return [answer for answer in answers if isinstance(answer, SetPrediction)]


def test_topics_are_learned_beside_another_task_and_kept_in_the_bundle(tmp_path: Path) -> None:
    model = learned(tmp_path, rows(80), rows(40, 80), TOPICS, COUNT)
    held = rows(40, 120)
    texts = [row.text for row in held]
    found = model.predict(texts)
    assert headline(TOPICS, [row.labels["topics"] for row in held], found["topics"]) > 0.95
    assert headline(COUNT, [row.labels["count"] for row in held], found["count"]) > 0.8
    model.save(tmp_path)
    assert Linear.load(tmp_path, (TOPICS, COUNT)).predict(texts) == found
    least = model.separators["topics"].weights["thresholds"]
    for answer in sets(found["topics"]):
        assert list(answer.probabilities) == list(LABELS)
        above = np.array(list(answer.probabilities.values())) >= least
        assert answer.labels == tuple(np.array(LABELS)[above])


def test_the_scores_are_those_of_scikit_learn(tmp_path: Path) -> None:
    train = rows(80)
    separator = learned(tmp_path, train, [], TOPICS).separators["topics"]
    features = [word_features(row.text) for row in train]
    vectorizer = TfidfVectorizer(analyzer=list, sublinear_tf=True, dtype=np.float32)
    inputs = vectorizer.fit_transform(features)
    gold = np.array([marks(TOPICS, row.labels["topics"]) for row in train])
    theirs = OneVsRestClassifier(LinearSVC(random_state=3)).fit(inputs, gold)
    # Words that no training row has, some of them beside words that are known; and no word at all.
    new = [*features, ["unheard"], [*features[0], "unheard"], features[1] * 3, []]
    expected = theirs.decision_function(vectorizer.transform(new))
    assert separator.scores(new) == pytest.approx(expected, abs=1e-5)
    assert separator.scores([]).shape == (0, 3)


def test_many_rows_are_scored_in_parts_as_they_are_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    separator = learned(tmp_path, rows(80), [], TOPICS).separators["topics"]
    features = [word_features(row.text) for row in rows(30, 80)]
    whole = separator.scores(features)
    monkeypatch.setattr(separators, "AT_ONCE", 40)  # products of three labels: two or three rows
    assert np.array_equal(separator.scores(features), whole)


def test_thresholds_come_from_dev_rows(tmp_path: Path) -> None:
    """Where four in ten rows that name a topic have it, naming it is still the best sign of it."""
    dev = [
        Row(row.id, row.text, {"topics": row.labels["topics"] if index % 5 < 2 else ()})
        for index, row in enumerate(rows(80, 80))
    ]
    without = learned(tmp_path, rows(80), [], TOPICS).separators["topics"].weights
    assert list(without["thresholds"]) == [0.5, 0.5, 0.5]
    found = sets(learned(tmp_path, rows(80), dev, TOPICS).predict([r.text for r in dev])["topics"])
    gold = [row.labels["topics"] for row in dev]
    f1 = headline(TOPICS, gold, found)
    at_half = [
        SetPrediction(tuple(n for n, p in a.probabilities.items() if p >= 0.5), a.probabilities)
        for a in found
    ]
    assert f1 > headline(TOPICS, gold, at_half) + 0.1
    # All of the gold labels, and four in ten of what is answered: 2 · 0.4 / (1 + 0.4)
    assert f1 == pytest.approx(0.8 / 1.4, abs=0.05)


def test_labels_that_no_row_or_every_row_has_are_answered_so(tmp_path: Path) -> None:
    wider = Task("topics", "posts", "multilabel", "topics", ("all", *LABELS, "no"), "micro_f1")
    train = [Row(r.id, r.text, {"topics": ("all", *(r.labels["topics"] or ()))}) for r in rows(40)]
    model = learned(tmp_path, train, train, wider)
    for answer in sets(model.predict([row.text for row in train])["topics"]):
        assert "all" in answer.labels
        assert "no" not in answer.labels


def test_rows_that_are_not_labelled_are_left_out(tmp_path: Path) -> None:
    train = [*rows(80), *(Row(f"n{i}", "soup", {"topics": None}) for i in range(200))]
    model = learned(tmp_path, train, rows(40, 80), TOPICS)
    (answer,) = sets(model.predict(["soup"])["topics"])
    assert answer.labels == ("food",)


def test_rows_that_all_have_the_same_labels_teach_nothing(tmp_path: Path) -> None:
    train = [Row(str(i), f"text {i}", {"topics": ("food",)}) for i in range(9)]
    with pytest.raises(PlaitError, match=r"'topics': 1 class\(es\) among 9"):
        learned(tmp_path, train, [], TOPICS)
