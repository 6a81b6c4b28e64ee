"""Holds: what a history keeps out, and what lets it in again."""

from dataclasses import replace
from pathlib import Path

import pytest

from plait.registry.acts import hold, release, rollback
from plait.registry.holds import refusal
from plait.registry.records import Record
from plait.registry.store import Registry
from registries import crown, draft


@pytest.fixture
def records(tmp_path: Path) -> dict[str, Record]:
    return {content: crown(tmp_path, content) for content in "abc"}


def says(root: Path, record: Record, consent: str = "") -> str:
    return refusal(Registry(root).history("shop"), draft(record, consent))


def test_nothing_stands_against_a_plan_at_first(tmp_path: Path, records: dict[str, Record]) -> None:
    assert [says(tmp_path, each) for each in records.values()] == ["", "", ""]
    assert refusal([], draft(records["a"])) == ""


def test_the_plan_rolled_back_from_is_kept_out_others_are_not(
    tmp_path: Path, records: dict[str, Record]
) -> None:
    by = rollback(tmp_path, "shop", why="rude").who
    said = says(tmp_path, records["c"])
    assert said.startswith(f"The same bundles were rolled back from by record 4 ({by}, ")
    assert said.endswith(
        ": To plan plan-b of record 2: rude). `plait registry release shop` ends that."
    )
    assert says(tmp_path, records["a"]) == says(tmp_path, records["b"]) == ""


def test_a_rollback_over_several_champions_keeps_out_all_that_it_passed(
    tmp_path: Path, records: dict[str, Record]
) -> None:
    rollback(tmp_path, "shop", to=1)
    assert says(tmp_path, records["c"])
    assert says(tmp_path, records["b"])
    assert says(tmp_path, records["a"]) == ""


def test_going_forward_again_keeps_out_what_was_left_alone(
    tmp_path: Path, records: dict[str, Record]
) -> None:
    rollback(tmp_path, "shop")  # b again
    rollback(tmp_path, "shop", to=3)
    assert says(tmp_path, records["b"])
    assert says(tmp_path, records["c"]) == says(tmp_path, records["a"]) == ""


def test_consent_lifts_a_rollbacks_block_but_no_hold(
    tmp_path: Path, records: dict[str, Record]
) -> None:
    rollback(tmp_path, "shop")
    assert says(tmp_path, records["c"], consent="we know") == ""
    hold(tmp_path, "shop", "launch week")
    for each in records.values():
        said = says(tmp_path, each, consent="we know")
        assert said.startswith("The service is held since record 5 (")
        assert said.endswith(": launch week). `plait registry release shop` ends that.")


def test_a_release_or_a_promotion_by_consent_ends_a_block(
    tmp_path: Path, records: dict[str, Record]
) -> None:
    rollback(tmp_path, "shop", to=1)
    crown(tmp_path, "c")
    assert says(tmp_path, records["c"]) == ""
    assert says(tmp_path, records["b"])
    release(tmp_path, "shop")
    assert says(tmp_path, records["b"]) == ""


def test_another_models_bundle_for_the_same_task_is_another_plan(
    tmp_path: Path, records: dict[str, Record]
) -> None:
    rollback(tmp_path, "shop")
    retrained = crown(tmp_path, "c2", point=False)
    assert says(tmp_path, retrained) == ""


def test_a_stage_lets_in_for_itself_alone(tmp_path: Path, records: dict[str, Record]) -> None:
    rollback(tmp_path, "shop")
    assert says(tmp_path, replace(records["c"], stage="staging"))
    crown(tmp_path, "c", stage="staging")  # by consent, to look at it
    assert says(tmp_path, records["c"])
    crown(tmp_path, "c")
    assert says(tmp_path, records["c"]) == ""
