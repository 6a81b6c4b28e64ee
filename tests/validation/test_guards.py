"""Validation itself is guarded: what is missing, unread or unreadable never counts as passed."""

import json
from pathlib import Path
from typing import Any

import pytest

from notes import ROWS, TASKS, declared, healthy, write
from plait.errors import PlaitError
from plait.experiment.schema import Validation
from plait.validation.checks import Check
from plait.validation.engine import judge, run_checks
from plait.validation.prepared import read_prepared
from plait.validation.rules import Rule, one_of
from plait.validation.validating import validate


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (["a", "text"], "found a list, expected an object"),
        ({"id": "a", "text": "b"}, "found the keys id, text; expected id, labels, text"),
        ({"id": 7, "text": "b", "labels": {}}, "id is a number, expected a string"),
        ({"id": "a", "text": ["b"], "labels": {}}, "text is a list, expected a string"),
        ({"id": "a", "text": "b", "labels": "news"}, "labels is a string, expected an object"),
        ({"id": "a", "text": "b", "labels": {"slots": []}}, "labels has no field 'topic'"),
        (
            {"id": "a", "text": "b", "labels": {"topic": 3, "slots": []}},
            "labels.topic is a number, expected a string",
        ),
        (
            {"id": "a", "text": "b", "labels": {"topic": None, "slots": "place"}},
            "labels.slots is a string, expected a list of spans",
        ),
        (
            {"id": "a", "text": "b", "labels": {"topic": None, "slots": [[0, True, "place"]]}},
            "labels.slots holds an entry that is not [start, end, type]",
        ),
        ({"id": "a", "text": "b", "labels": {"topic": "news", "slots": [[0, 1, "place"]]}}, None),
    ],
)
def test_malformed_line_is_described(tmp_path: Path, value: Any, problem: str | None) -> None:
    write(tmp_path, {**healthy(), "train": [value]})
    (line,) = read_prepared(tmp_path, "notes", TASKS).train
    assert line.problem == problem


@pytest.mark.parametrize(
    ("name", "line", "found"),
    [
        ("train", b'{"id": "a", "text"', """found '{"id": "a", "text"\\n', expected one JSON"""),
        ("dev", b'{"id": "\xe9"}', """found '{"id": "\\\\xe9"}\\n', expected one JSON"""),
        ("heldout.fingerprints", b"[]", "found a list, expected an object with the keys"),
    ],
)
def test_unreadable_line_is_named(tmp_path: Path, name: str, line: bytes, found: str) -> None:
    write(tmp_path, healthy())
    path = tmp_path / "notes" / f"{name}.jsonl"
    path.write_bytes(path.read_bytes().splitlines()[0] + b"\n" + line + b"\n")
    with pytest.raises(PlaitError) as error:
        validate(tmp_path, TASKS, Validation())
    assert str(error.value).startswith(f"{path}, line 2: {found}")
    assert str(error.value).endswith("Prepare it again: `dvc repro --force prepare`.")


def test_missing_file_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(PlaitError, match=r"train\.jsonl: no such file\. Write it: `dvc repro prep"):
        validate(tmp_path, TASKS, Validation())


def test_equal_expectations_of_two_rules_are_both_judged(tmp_path: Path) -> None:
    """Suites of great-expectations are sets: of two equal ones one is dropped without a word."""
    _, tables = declared(tmp_path, healthy())
    expectation = "expect_column_values_to_not_be_null", {"column": "text"}
    rules = [Rule(name, expectation, "have no text", "") for name in ("first", "again")]
    checks = [Check(rule, "train", "train rows", "train") for rule in rules]
    results = judge("notes", checks, run_checks(checks, tables), tables)
    assert [(r.rule, r.passed, r.examined) for r in results] == [
        ("first", True, 40),
        ("again", True, 40),
    ]


def test_check_that_is_missing_from_the_outcome_is_a_critical_failure(tmp_path: Path) -> None:
    checks, tables = declared(tmp_path, healthy())
    lost = next(check for check in checks if check.policy == "warn")
    (result,) = judge("notes", [lost], {}, tables)
    assert (result.passed, result.severity) == (False, "critical")
    assert result.sentence.endswith("proves nothing: great-expectations returned no result for it.")


def test_any_outcome_left_out_fails(tmp_path: Path) -> None:
    checks, tables = declared(tmp_path, healthy())
    outcomes = run_checks(checks, tables)
    assert len(outcomes) == len(checks) > 40
    for left_out in checks:
        kept = {key: outcome for key, outcome in outcomes.items() if key != left_out.key}
        failed = [r for r in judge("notes", checks, kept, tables) if not r.passed]
        assert [(r.rule, r.severity) for r in failed] == [(left_out.rule.name, "critical")]


def test_check_that_saw_no_rows_fails_though_great_expectations_passes_it(tmp_path: Path) -> None:
    _, tables = declared(tmp_path, healthy())
    nothing = {"dev": tables["dev"].assign(text=None)}
    rule = Rule("some", one_of("text", ["hi"]), "are odd", "")
    check = Check(rule, "dev", "dev rows", "dev", policy="warn")
    outcomes = run_checks([check], nothing)
    assert (outcomes[check.key].success, outcomes[check.key].examined) == (True, 0)
    (result,) = judge("notes", [check], outcomes, nothing)
    assert (result.passed, result.severity) == (False, "critical")
    assert result.sentence.endswith("proves nothing: there are no dev rows to examine.")


def test_check_that_cannot_run_fails(tmp_path: Path) -> None:
    _, tables = declared(tmp_path, healthy())
    rule = Rule("typo", ("expect_column_values_to_not_be_null", {"column": "txt"}), "", "")
    checks = [Check(rule, "train", "train rows", "train", policy="warn")]
    (result,) = judge("notes", checks, run_checks(checks, tables), tables)
    assert (result.passed, result.severity) == (False, "critical")
    assert "it raised an error" in result.sentence
    assert "txt" in result.sentence


def test_lone_surrogates_are_examined_and_shown_escaped(tmp_path: Path) -> None:
    """`prepare` writes none; JSON may hold them."""
    write(tmp_path, healthy())
    path = tmp_path / "notes" / "train.jsonl"
    labels = {"topic": "news", "slots": [[1, 2, "place"]]}
    odd = {"id": "a\ud800", "text": "\x01b\ud800c", "labels": labels}
    path.write_text(path.read_text() + json.dumps(odd) + "\n")
    report = validate(tmp_path, TASKS, Validation())
    (result,) = (r for r in report.results if (r.rule, r.split) == ("text_control", "train"))
    assert (result.rows, result.examined) == (("a\\ud800",), ROWS["train"] + 1)


def test_heldout_texts_are_not_in_the_fingerprints(tmp_path: Path) -> None:
    write(tmp_path, healthy())
    lines = (tmp_path / "notes" / "heldout.fingerprints.jsonl").read_text().splitlines()
    assert len(lines) == ROWS["heldout"]
    assert not any("o'clock" in line for line in lines)
    assert json.loads(lines[0])["labels"] == {"topic": ["sport"], "slots": ["place", "time"]}
