"""Labels that are spelled alike, and labels that stand for nothing."""

import json
from pathlib import Path

import pytest
import yaml

from plait.preparation.own_file import Columns, check_file
from plait.validation.engine import Result


def failed(folder: Path, labels: list[str], rule: str) -> list[Result]:
    """The failures of a rule on 30 rows of each label."""
    rows = [
        {"text": f"say number {i} about part {j}", "label": label, "who": [[0, 3, label]]}
        for j, label in enumerate(labels)
        for i in range(30)
    ]
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = check_file(path, Columns("text", ("label",), ("who",)))
    return [each for each in found.results if each.rule == rule and not each.passed]


@pytest.mark.parametrize(
    "other",
    ["billing ", "Billing", "billing\u200b", "\u00a0billing", "ｂilling", "BILLING\u00ad\t"],
)
def test_spellings_of_one_label_are_a_critical_failure(tmp_path: Path, other: str) -> None:
    """Today's models would learn them as two classes and be right in half of the rows."""
    for found in failed(tmp_path, ["billing", other, "travel"], "label_alike"):
        assert found.severity == "critical"
        assert found.sentence.startswith("1 of 3 labels of ")
        offered = found.sentence.partition("label_map: ")[2].partition(", or datasets")[0]
        ((mapped,),) = [each.items() for each in yaml.safe_load(offered).values()]
        assert set(mapped) == {"billing", other}


@pytest.mark.parametrize("pair", [("caf\u00e9", "cafe\u0301"), ("0", "0.0"), ("7", "007")])
def test_both_fields_are_looked_at(tmp_path: Path, pair: tuple[str, str]) -> None:
    found = failed(tmp_path, [*pair, "travel"], "label_alike")
    assert [result.task for result in found] == ["label", "who"]


def test_different_labels_are_no_spellings(tmp_path: Path) -> None:
    assert failed(tmp_path, ["billing", "billings", "bill-ing", "1", "-1"], "label_alike") == []


@pytest.mark.parametrize("label", ["nan", "NaN", "NULL", "none", "#N/A", "N/A", " nil "])
def test_missing_values_as_labels_are_named(tmp_path: Path, label: str) -> None:
    found = failed(tmp_path, [label, "travel"], "label_placeholder")
    assert {result.task for result in found} == {"label", "who"}
    assert all(repr(label) in result.sentence for result in found)
    assert all("null}" in result.sentence for result in found)


def test_usual_labels_are_no_placeholders(tmp_path: Path) -> None:
    labels = ["other", "no", "unknown", "0", "nana", "-"]
    assert failed(tmp_path, labels, "label_placeholder") == []
