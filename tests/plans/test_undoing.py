"""Promotion after an act of a person: a rollback and a hold stay, however often it runs."""

import shutil
from pathlib import Path

import pytest

from plait import bundle
from plait.plans.promotion import Decision, promote
from plait.registry.acts import hold, release, rollback
from plait.registry.checking import check
from plait.registry.store import Registry
from plait.serving.service import Service
from production import experiment, measure, rescore, train
from registries import contents

BOTH = "tfidf-intent+slots"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model a task is champion; then the consolidated model, which wins by far, replaced it."""
    root = tmp_path_factory.mktemp("measured")
    measure(root)
    rescore(root, "tfidf-intent", intent=0.6)
    rescore(root, "tfidf-slots", slots=0.6)
    promote(experiment(plans={"one-per-task": ["tfidf-intent", "tfidf-slots"]}), root)
    rescore(root, BOTH, intent=0.99, slots=0.99)
    (decision,) = promote(experiment(), root)
    assert decision.status == "promoted"
    assert decision.record.plan == "consolidated"
    return root


@pytest.fixture
def root(measured: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(measured, tmp_path / "project"))


def nightly(root: Path, **options: object) -> Decision:
    (decision,) = promote(experiment(), root, **options)  # type: ignore[arg-type]
    return decision


def test_a_rollback_survives_ten_nightlies(root: Path) -> None:
    kept = rollback(root, "assistant", why="it turns the heating off")
    for _ in range(10):
        decision = nightly(root)
        assert decision.status == "refused"
        assert "The same bundles were rolled back from by record 3" in decision.reason
        assert "`plait registry release assistant` ends that." in decision.reason
        assert Registry(root).require("assistant") == kept
    assert Registry(root).numbers("assistant") == [1, 2, 3, 4]  # refused once, in ten runs
    assert Service.load("assistant", root).champion.plan == "one-per-task"
    assert list(check(Registry(root), lambda _c, _d: False)) == []


def test_a_rollback_survives_a_retraining_that_gives_the_same_bundles(root: Path) -> None:
    kept = rollback(root, "assistant")
    before = bundle.digest(root / "models" / BOTH)
    for _ in range(10):
        shutil.rmtree(root / "models" / BOTH)
        train(root, BOTH)
        rescore(root, BOTH, intent=0.99, slots=0.99)
        assert bundle.digest(root / "models" / BOTH) == before
        assert nightly(root).status == "refused"
        assert Registry(root).require("assistant") == kept


def test_other_bundles_are_judged_as_ever(root: Path) -> None:
    rollback(root, "assistant")
    train(root, BOTH, seed=8, training={"C": 3.0})
    rescore(root, BOTH, intent=0.99, slots=0.99)
    assert nightly(root).status == "promoted"


def test_a_release_or_consent_lets_it_in_again(root: Path) -> None:
    rollback(root, "assistant")
    assert nightly(root).status == "refused"
    decision = nightly(root, consent="the heating was a false alarm")
    assert decision.status == "promoted"
    assert decision.record.consent == "the heating was a false alarm"
    rollback(root, "assistant")
    release(root, "assistant")
    assert nightly(root).status == "promoted"


def test_a_hold_keeps_every_plan_out_with_consent_too(root: Path) -> None:
    rollback(root, "assistant")
    release(root, "assistant")
    hold(root, "assistant", "launch week")
    for consent in ("", "I insist"):
        decision = nightly(root, consent=consent)
        assert decision.status == "refused"
        assert "The service is held since record 5" in decision.reason
    assert Registry(root).require("assistant").number == 3
    release(root, "assistant")
    assert nightly(root).status == "promoted"


def test_a_held_champion_that_wins_again_is_unchanged(root: Path) -> None:
    hold(root, "assistant", "launch week")
    assert nightly(root).status == "unchanged"
    assert Registry(root).numbers("assistant") == [1, 2, 3]


def test_staging_is_set_apart_from_production(root: Path) -> None:
    decision = nightly(root, stage="staging")
    assert (decision.status, decision.record.stage) == ("promoted", "staging")
    assert Registry(root).require("assistant").number == 2
    assert Registry(root).require("assistant", "staging") == decision.record
    assert Service.load("assistant", root, "staging").champion.number == 3
    assert nightly(root, stage="staging").status == "unchanged"


def test_a_dry_run_decides_and_writes_nothing(root: Path) -> None:
    rollback(root, "assistant")
    release(root, "assistant")
    before = contents(root)
    decision = nightly(root, dry_run=True)
    assert (decision.status, decision.record.number) == ("promoted", 0)
    assert contents(root) == before
    assert nightly(root).status == "promoted"
