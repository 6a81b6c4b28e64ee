"""Pruning: what goes, and what never does."""

from pathlib import Path

import pytest

from plait.errors import PlaitError
from plait.registry.acts import rollback
from plait.registry.pruning import prune
from plait.registry.store import Registry
from registries import bundle, contents, crown, flip


def plans(root: Path) -> set[str]:
    """The plans whose bundles are here."""
    registry = Registry(root)
    return {
        str(record.plan)[-1]
        for service in registry.known()
        for record in registry.history(service)
        if record.plan and all(registry.intact(digest) for digest in record.bundles.values())
    }


@pytest.fixture
def five(tmp_path: Path) -> Path:
    for content in "abcde":
        crown(tmp_path, content)
    return tmp_path


def test_the_last_champions_stay_and_so_do_all_records(five: Path) -> None:
    before = {name: value for name, value in contents(five).items() if "/00" in name}
    pruned = prune(five, 2)
    assert plans(five) == {"d", "e"}
    assert {r.plan for each in pruned for r in each.owners["shop"]} == {
        "plan-a",
        "plan-b",
        "plan-c",
    }
    assert all(each.size > 100 for each in pruned)
    record = Registry(five).record("shop", 6)
    assert (record.act, record.reason) == (
        "prune",
        "--keep 2 removes 3 bundles; their records stay.",
    )
    assert set(record.bundles) == {f"one of record {number}" for number in (1, 2, 3)}
    assert set(record.bundles.values()) == {each.digest for each in pruned}
    assert before.items() <= contents(five).items()
    assert prune(five, 2) == []
    assert Registry(five).numbers("shop")[-1] == 6


def test_a_dry_run_says_the_same_and_changes_nothing(five: Path) -> None:
    before = contents(five)
    said = prune(five, 1, dry_run=True)
    assert contents(five) == before
    assert said == prune(five, 1)
    assert plans(five) == {"e"}


def test_answers_of_a_removed_bundle_go_too(five: Path) -> None:
    registry = Registry(five)
    first, last = (registry.record("shop", n).bundles["one"] for n in (1, 5))
    for digest in (first, last):
        registry.keep_answers(digest, "f" * 64, [{"id": "1", "gold": "x", "answer": "y"}])
    prune(five, 1)
    assert registry.answers(first, "f" * 64) is None
    assert registry.answers(last, "f" * 64) is not None


def test_what_another_stage_or_service_serves_or_a_publication_names_stays(five: Path) -> None:
    crown(five, "a", stage="staging")
    crown(five, "b", service="desk")
    crown(five, "c", act="publish")
    prune(five, 1)
    assert plans(five) == {"a", "b", "c", "e"}


def test_champions_are_counted_as_they_served(five: Path) -> None:
    rollback(five, "shop", to=2)  # b now, e before it, d before that
    prune(five, 2)
    assert plans(five) == {"b", "e"}


def test_a_plan_that_served_twice_counts_once(five: Path) -> None:
    crown(five, "d")
    crown(five, "e")  # e, d, e, d, c
    prune(five, 3)
    assert plans(five) == {"c", "d", "e"}


def test_what_a_killed_promotion_copied_goes(five: Path) -> None:
    registry = Registry(five)
    orphan = registry.add(bundle(five, "never promoted"))
    (found,) = [each for each in prune(five, 5) if each.digest == orphan]
    assert found.owners == {}
    assert orphan not in registry.bundles()


def test_nothing_goes_while_it_is_unknown_what_is_named(five: Path) -> None:
    registry = Registry(five)
    flip(registry.path("shop", 2), at=40)
    before = contents(five)
    with pytest.raises(PlaitError, match=r"0002\.json: found "):
        prune(five, 1)
    registry.path("shop", 2).rename(registry.path("shop", 2).with_suffix(".damaged"))
    prune(five, 1)
    assert registry.record("shop", 6).act == "prune"
    left = {name for name in contents(five) if name.startswith("bundles/")}
    named_by_the_lost_one = [name for name in left if "weights" in name]
    assert len(named_by_the_lost_one) == 2
    assert before.keys() >= left
    flip(registry.pointer("shop", "production"))
    with pytest.raises(PlaitError, match=r"production\.json: found "):
        prune(five, 1)


def test_the_champion_cannot_be_asked_away(five: Path) -> None:
    with pytest.raises(PlaitError, match="--keep: found 0, expected at least 1"):
        prune(five, 0)
