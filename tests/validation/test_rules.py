"""Each rule shown failing and passing, on data that the test prepares."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faults import FAULTS, Fault, put
from notes import SLOTS, TASKS, TOPIC, Data, declared, healthy, write
from plait.experiment.policy import OPTIONAL, RULES
from plait.experiment.schema import Validation
from plait.tasks import Task
from plait.validation.engine import Result, judge, run_checks
from plait.validation.report import Report
from plait.validation.validating import validate


def apply(rule: str, folder: Path, data: Data, task: Task, **limits: Any) -> list[Result]:
    """Run the checks of one rule: great-expectations takes 15 ms a check, all would be long."""
    checks, tables = declared(folder, data, (task,), **limits)
    asked = [check for check in checks if check.rule.name == rule]
    return judge("notes", asked, run_checks(asked, tables), tables)


def find(
    results: Iterable[Result], rule: str, split: str | None, task: str | None = None
) -> Result:
    (result,) = (r for r in results if (r.rule, r.split, r.task) == (rule, split, task))
    return result


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("healthy")
    write(folder, healthy())
    return validate(folder, TASKS, Validation())


def test_healthy_data_passes_every_check_having_seen_rows(passed: Report) -> None:
    assert passed.verdict == "passed"
    assert passed.sentence == f"Passed: all {len(passed.results)} checks on 1 dataset passed."
    assert [r for r in passed.results if not r.passed or r.examined == 0 or r.count] == []


def test_every_declared_rule_has_a_fault(passed: Report) -> None:
    """`text_elsewhere` needs two data sets: tests/leakage/test_matches.py."""
    declared_ = {result.rule for result in passed.results} | OPTIONAL
    assert declared_ == {fault.rule for fault in FAULTS} == set(RULES) - {"text_elsewhere"}
    assert len({(fault.rule, fault.split, fault.task) for fault in FAULTS}) >= 50


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda f: "-".join(filter(None, (f.rule, f.split, f.task)))
)
def test_fault_is_caught(tmp_path: Path, passed: Report, fault: Fault) -> None:
    data = healthy()
    fault.spoil(data)
    results = apply(fault.rule, tmp_path, data, fault.asked(), **fault.limits)
    result = find(results, fault.rule, fault.split, fault.task)
    assert not result.passed
    assert result.severity == fault.severity
    assert fault.sentence in result.sentence
    assert result.rows == fault.rows
    assert result.count == fault.count
    if fault.rule not in OPTIONAL:
        assert find(passed.results, fault.rule, fault.split, fault.task).passed


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"text_elsewhere"}))
def test_a_mutation_of_the_rule_would_be_seen(tmp_path: Path, rule: str) -> None:
    """A rule that lets everything pass misses its fault; one of another policy says so."""
    fault = next(fault for fault in FAULTS if fault.rule == rule)
    data = healthy()
    fault.spoil(data)
    checks, tables = declared(tmp_path, data, (fault.asked(),), **fault.limits)
    (check,) = (
        c for c in checks if (c.rule.name, c.split, c.task) == (rule, fault.split, fault.task)
    )
    kind, arguments = check.rule.expectation
    lax = {"min_value": 0} if kind == "expect_table_row_count_to_be_between" else {"mostly": 0.0}
    blind = replace(check, rule=replace(check.rule, expectation=(kind, {**arguments, **lax})))
    (result,) = judge("notes", [blind], run_checks([blind], tables), tables)
    assert result.passed
    other = replace(check, policy="warn" if fault.severity == "critical" else "error")
    (result,) = judge("notes", [other], run_checks([other], tables), tables)
    assert (result.passed, result.severity == fault.severity) == (False, False)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_policy_of_params_decides(rule: str) -> None:
    default = Validation().policy(rule)
    other = "warn" if default == "error" else "error"
    assert Validation(rules={rule: other}).policy(rule) == other != default


@pytest.mark.parametrize(
    ("rule", "limit", "value"),
    [
        ("text_duplicate", "max_duplicate_share", 0.125),
        ("text_long", "max_characters", 10_800_000),
        ("text_in_train_share", "max_leaked_share", 0.15),
        ("label_unseen_share", "max_unseen_share", 0.1),
    ],
)
def test_limit_of_params_decides(tmp_path: Path, rule: str, limit: str, value: float) -> None:
    fault = next(fault for fault in FAULTS if fault.rule == rule)
    data = healthy()
    fault.spoil(data)
    results = apply(rule, tmp_path, data, TOPIC, **{limit: value})
    assert find(results, rule, fault.split, fault.task).passed


def test_digits_and_units_are_words_of_their_own(tmp_path: Path) -> None:
    data = healthy()
    put("train", 0, text="set it to 20C at 5pm", slots=[[10, 12, "place"], [17, 18, "time"]])(data)
    results = apply("span_cuts_word", tmp_path, data, SLOTS)
    assert [result.passed for result in results] == [True, True, True]


@pytest.mark.parametrize("text", ["", "\u200b", "\ufeff\u2800"])
def test_texts_of_which_nothing_can_be_seen_are_not_equal_texts(tmp_path: Path, text: str) -> None:
    data = healthy()
    for i in range(8):
        put("train", i, text=text, slots=[])(data)
    assert find(apply("text_empty", tmp_path, data, TOPIC), "text_empty", "train").count == 8
    for rule in ("label_conflict", "text_duplicate"):
        assert all(result.passed for result in apply(rule, tmp_path, data, TOPIC))


def test_samples_are_at_most_ten_and_in_order(tmp_path: Path) -> None:
    data = healthy()
    for i in range(30):
        put("train", i, text=f"\x00{i}")(data)
    result = find(apply("text_nul", tmp_path, data, TOPIC), "text_nul", "train")
    assert result.count == 30
    assert result.rows == tuple(f"train-{i}" for i in range(10))
