"""The rules of labels where a row may have several or none: each label is examined by itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plait.experiment.schema import Validation
from plait.files import write_jsonl
from plait.tasks import row_from_json, row_to_json
from plait.validation.datasets import read_datasets
from plait.validation.engine import Result, judge, run_checks
from plait.validation.fingerprints import write_fingerprints
from posts import LABELS, TOPICS, rows

Data = dict[str, list[Any]]
OPEN = replace(TOPICS, labels=())


def healthy() -> Data:
    found = {"train": rows(80), "dev": rows(40, 80), "heldout": rows(40, 120)}
    values = {split: [row_to_json(row) for row in each] for split, each in found.items()}
    for each in values.values():
        for value in each:
            value["text"] += f" ({value['id']})"
    return values


def topics(split: str, index: int, names: Any) -> Callable[[Data], None]:
    return lambda data: data[split][index]["labels"].__setitem__("topics", names)


def without_food(data: Data) -> None:
    for value in data["train"]:
        value["labels"]["topics"] = [n for n in value["labels"]["topics"] if n != "food"]


def copied(data: Data) -> None:
    """Two rows with one text and other labels."""
    data["train"][1] |= {"text": data["train"][4]["text"]}


def nearly_copied(data: Data) -> None:
    text = " ".join(f"word{i} of a long post" for i in range(12))
    data["train"][1] |= {"text": text}
    data["train"][4] |= {"text": text.replace("word7", "term")}


def only(name: str, split: str) -> Callable[[Data], None]:
    def spoil(data: Data) -> None:
        for value in data[split]:
            value["labels"]["topics"] = [name]

    return spoil


def apply(folder: Path, data: Data, closed: bool = False) -> dict[tuple[str, str | None], Result]:
    for split in ("train", "dev"):
        write_jsonl(folder / "posts" / f"{split}.jsonl", data[split])
    write_jsonl(folder / "posts" / "quarantine.jsonl", [])
    held = [row_from_json(value) for value in data["heldout"]]
    write_fingerprints(folder / "posts" / "heldout.fingerprints.jsonl", held, 20)
    (found,) = read_datasets(folder, (TOPICS if closed else OPEN,), Validation())
    asked = [c for c in found.checks if c.task or c.rule.name == "schema"]
    results = judge("posts", asked, run_checks(asked, found.tables), found.tables)
    return {(result.rule, result.split): result for result in results}


def test_healthy_rows_pass_every_check_having_been_seen(tmp_path: Path) -> None:
    found = apply(tmp_path, healthy(), closed=True)
    assert [r for r in found.values() if not r.passed or r.examined == 0] == []
    labels = sum(len(value["labels"]["topics"]) for value in healthy()["heldout"])
    assert found["label_unseen", "heldout"].examined == labels == 60
    assert ("label_balance", "train") not in found, "a label of every row is no fault"


@pytest.mark.parametrize(
    ("rule", "split", "spoil", "sentence", "names"),
    [
        ("label_null", "train", topics("train", 3, None), "1 of 80 train rows have no", ("p3",)),
        ("label_unknown", "train", topics("train", 3, ["fod", "music"]), "'fod' (1)", ("p3",)),
        ("label_unseen", "dev", topics("dev", 0, ["food", "sea"]), "1 of 62 dev labels", ("p80",)),
        ("label_unseen", "heldout", topics("heldout", 0, ["sea"]), "held-out labels", ("p120",)),
        (
            "label_support", "train", topics("train", 0, ["rare"]),
            "have fewer than 5 train rows", ("rare",),
        ),
        ("label_unseen_share", "dev", without_food, "of 60 dev labels", None),
        ("label_conflict", None, copied, "2 of 120 train and dev rows share their text", None),
        ("label_conflict_near", None, nearly_copied, "2 of 120 train and dev rows have", None),
        ("label_drift", None, only("travel", "dev"), "differ from train", ("dev",)),
        ("schema", "dev", topics("dev", 0, ["b", "a"]), "labels.topics is no sorted list", None),
        ("schema", "dev", topics("dev", 0, ["a", "a"]), "labels.topics is no sorted list", None),
        ("schema", "dev", topics("dev", 0, "a"), "labels.topics is no sorted list", None),
        ("schema", "dev", topics("dev", 0, [[0, 1, "a"]]), "labels.topics is no sorted", None),
    ],
)  # fmt: skip
def test_faults_are_caught(
    tmp_path: Path,
    rule: str,
    split: str | None,
    spoil: Callable[[Data], None],
    sentence: str,
    names: tuple[str, ...] | None,
) -> None:
    data = healthy()
    spoil(data)
    result = apply(tmp_path, data, closed=rule == "label_unknown")[rule, split]
    assert not result.passed
    assert sentence in result.sentence
    assert names is None or result.rows == names


def test_rows_without_any_label_are_labelled(tmp_path: Path) -> None:
    data = healthy()
    for split in ("train", "dev"):
        for index in range(0, 40, 2):
            topics(split, index, [])(data)
    found = apply(tmp_path, data)
    assert found["label_null", "train"].passed
    assert found["label_null", "train"].examined == 80


def test_a_task_of_one_label_is_a_question_of_yes_or_no(tmp_path: Path) -> None:
    data = healthy()
    for each in data.values():
        for value in each:
            value["labels"]["topics"] = [n for n in value["labels"]["topics"] if n == LABELS[0]]
    assert apply(tmp_path, data)["label_count", "train"].passed
