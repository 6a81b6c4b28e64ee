"""A large table is examined in parts, and the parts count as the whole would."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from notes import declared, healthy
from plait.validation import engine
from plait.validation.checks import Check
from plait.validation.engine import Result, judge, run_checks
from plait.validation.rules import Rule, one_of
from plait.validation.tables import Tables


@pytest.fixture
def spoiled(tmp_path: Path) -> tuple[list[Check], Tables]:
    """Rows of which some break rules about rows, and some rules about the whole table."""
    data = healthy()
    for i in (3, 8, 21, 39):
        data["train"][i]["text"] += "\x01"
        data["train"][i]["labels"]["topic"] = None
    data["train"][2]["id"] = data["train"][38]["id"]
    data["train"][30]["text"] = data["train"][1]["text"]
    data["dev"][19]["text"] = None
    return declared(tmp_path, data)


def test_parts_give_the_results_of_the_whole(
    spoiled: tuple[list[Check], Tables], monkeypatch: pytest.MonkeyPatch
) -> None:
    checks, tables = spoiled

    def results() -> list[Result]:
        return judge("notes", checks, run_checks(checks, tables), tables)

    whole = results()
    monkeypatch.setattr(engine, "_ROWS", 7)
    assert results() == whole
    failed = {(r.rule, r.split): (r.rows, r.examined) for r in whole if not r.passed}
    assert failed["text_control", "train"] == (("train-3", "train-8", "train-21", "train-39"), 40)
    assert failed["id_duplicate", "train"] == (("train-38",), 40)
    assert failed["text_null", "dev"] == (("dev-19",), 20)


@pytest.mark.parametrize(("allowed", "passed"), [(0.1, True), (0.099, False)])
def test_the_allowed_share_is_that_of_all_parts(
    spoiled: tuple[list[Check], Tables],
    monkeypatch: pytest.MonkeyPatch,
    allowed: float,
    passed: bool,
) -> None:
    """Four of 40 rows are faulty: 10 % of all, and 1 of 7 in some parts."""
    _, tables = spoiled
    rule = Rule("some", one_of("control", [False], allowed), "are odd", "")
    monkeypatch.setattr(engine, "_ROWS", 7)
    check = Check(rule, "train", "train rows", "train")
    (result,) = judge("notes", [check], run_checks([check], tables), tables)
    assert (result.passed, result.count, result.examined) == (passed, 4, 40)


def test_a_part_without_an_observation_proves_nothing(
    spoiled: tuple[list[Check], Tables], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, tables = spoiled
    rule = Rule("some", one_of("empty", [False]), "are odd", "")
    check = Check(rule, "train", "train rows", "train")
    monkeypatch.setattr(engine, "_ROWS", 7)
    assert judge("notes", [check], run_checks([check], tables), tables)[0].passed
    run = engine._run_on_part
    monkeypatch.setattr(
        engine, "_run_on_part", lambda *given: {} if given[-1] == 14 else run(*given)
    )
    (result,) = judge("notes", [check], run_checks([check], tables), tables)
    assert (result.passed, result.severity) == (False, "critical")
    assert result.sentence.endswith("proves nothing: great-expectations returned no result for it.")


def test_a_part_that_was_not_read_whole_proves_nothing() -> None:
    """As great-expectations would say it of three rows out of seven."""
    read = {"element_count": 3, "missing_count": 0, "unexpected_index_list": []}
    found = SimpleNamespace(success=True, result=read, exception_info={})
    observation = engine._observation(found, 7)
    assert (observation.success, observation.error) == (False, "it read 3 of 7 rows")
    assert engine._observation(found, 3).examined == 3
