"""Acts: what they change, what they record, and when they change nothing."""

from importlib.metadata import version
from pathlib import Path

import pytest

from plait.errors import PlaitError
from plait.machine import processor
from plait.registry.acts import hold, refuse, release, rollback
from plait.registry.records import as_json
from plait.registry.store import Registry
from registries import bundle, contents, crown, draft, flip


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Champions a, b and c, one after the other."""
    for content in "abc":
        crown(tmp_path, content)
    return tmp_path


def refused(work: object, *arguments: object, **options: object) -> str:
    with pytest.raises(PlaitError) as error:
        work(*arguments, **options)  # type: ignore[operator]
    return str(error.value)


def test_a_rollback_carries_the_whole_plan_and_says_who_when_and_why(three: Path) -> None:
    record = rollback(three, "shop", why="it answers nonsense")
    registry = Registry(three)
    target = registry.record("shop", 2)
    assert registry.require("shop") == record
    assert (record.number, record.act, record.outcome) == (4, "rollback", "done")
    assert (record.restores, record.replaces) == (2, 3)
    assert record.reason == "To plan plan-b of record 2: it answers nonsense."
    for name in ("plan", "tasks", "bundles", "scores", "heldout", "experiment"):
        assert as_json(record)[name] == as_json(target)[name]
    assert record.previous == registry.record("shop", 3).seal
    assert record.environment["packages"]["torch"] == version("torch")
    assert record.environment["processor"] == processor()
    assert record.who
    assert record.time >= target.time


def test_rollbacks_go_further_back_each_time_until_the_first(three: Path) -> None:
    assert rollback(three, "shop").restores == 2
    assert rollback(three, "shop").restores == 1
    before = contents(three)
    assert "plan plan-a (record 5) is the first champion in production" in refused(
        rollback, three, "shop"
    )
    assert contents(three) == before


def test_a_rollback_from_a_promotion_after_a_rollback(three: Path) -> None:
    rollback(three, "shop", to=1)
    crown(three, "d")
    record = rollback(three, "shop")
    assert (record.plan, record.restores, record.replaces) == ("plan-a", 1, 5)


def test_any_champion_can_be_named_and_nothing_else(three: Path) -> None:
    registry = Registry(three)
    refuse(three, draft(registry.record("shop", 1)), "no better")
    assert rollback(three, "shop", to=1).plan == "plan-a"
    before = contents(three)
    assert "plan plan-a of record 1 serves in production already (record 5)" in refused(
        rollback, three, "shop", 1
    )
    assert (
        "found a record of promote (refused) in production, expected one that made a plan champion "
        "in production."
    ) in refused(rollback, three, "shop", 4)
    assert "found a record of promote (promoted) in production, expected one that made a plan " in (
        refused(rollback, three, "shop", 2, "staging")
    )
    assert "--to 9: shop has no such record" in refused(rollback, three, "shop", 9)
    assert "did you mean 'shop'" in refused(rollback, three, "shpo")
    assert "service 'shop' has no champion in staging" in refused(
        rollback, three, "shop", None, "staging"
    ) or "no service has a champion in staging" in refused(rollback, three, "shop", None, "staging")
    assert contents(three) == before


def test_stages_are_rolled_back_apart(three: Path) -> None:
    crown(three, "d", stage="staging")
    crown(three, "e", stage="staging")
    record = rollback(three, "shop", stage="staging")
    assert (record.plan, record.stage, record.replaces) == ("plan-d", "staging", 5)
    assert Registry(three).require("shop").plan == "plan-c"
    assert Registry(three).require("shop", "staging").plan == "plan-d"


def test_a_damaged_bundle_of_the_target_is_mended_first(three: Path) -> None:
    digest = Registry(three).record("shop", 2).bundles["one"]
    flip(Registry(three).folder / "bundles" / digest / "weights")
    before = contents(three)
    assert f"record 2 needs bundle {digest} (one), which is missing or damaged" in refused(
        rollback, three, "shop"
    )
    assert contents(three) == before
    asked = []

    def mend(candidate: str, wanted: str) -> bool:
        asked.append((candidate, wanted))
        return Registry(three).add(bundle(three, "b")) == wanted

    assert rollback(three, "shop", mend=mend).plan == "plan-b"
    assert asked == [("one", digest)]
    assert Registry(three).intact(digest)


def test_a_damaged_pointer_or_record_of_the_champion_is_a_reason_to_roll_back(three: Path) -> None:
    registry = Registry(three)
    flip(registry.path("shop", 3), at=40)
    assert "0003.json: found " in refused(rollback, three, "shop", to=2)
    registry.path("shop", 3).rename(registry.path("shop", 3).with_suffix(".damaged"))
    record = rollback(three, "shop", to=2)
    assert (record.number, record.replaces, record.plan) == (4, 3, "plan-b")
    flip(registry.pointer("shop", "production"))
    assert rollback(three, "shop", to=1).replaces is None
    assert registry.require("shop").plan == "plan-a"


def test_a_hold_is_recorded_once_and_ended_by_a_release(three: Path) -> None:
    assert "--why: found nothing" in refused(hold, three, "shop", " ")
    record = hold(three, "shop", "launch week")
    assert (record.act, record.outcome, record.reason) == ("hold", "done", "launch week")
    assert "it is held already since record 4" in refused(hold, three, "shop", "again")
    assert release(three, "shop", "launched").reason == "Ends record 4: launched."
    assert "it is not held" in refused(release, three, "shop")
    assert Registry(three).require("shop").number == 3


def test_a_release_ends_what_a_rollback_keeps_out(three: Path) -> None:
    rollback(three, "shop")
    assert release(three, "shop").reason == "Ends record 4."
    assert "it is not held, and no plan was rolled back from" in refused(release, three, "shop")
