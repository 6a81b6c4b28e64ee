"""Overview: lists, history, a record and differences, in words."""

from dataclasses import replace
from pathlib import Path

from plait.registry.acts import hold, rollback
from plait.registry.overview import Difference, details, differences, history, overview
from plait.registry.records import Record
from plait.registry.store import Registry
from registries import crown, draft, flip


def test_a_line_for_each_service_and_stage(tmp_path: Path) -> None:
    crown(tmp_path, "a")
    crown(tmp_path, "b")
    crown(tmp_path, "c", stage="staging")
    crown(tmp_path, "d", service="desk")
    registry = Registry(tmp_path)
    registry.write(draft(replace(registry.record("shop", 1), service="new")))
    rollback(tmp_path, "shop")
    hold(tmp_path, "desk", "launch week")
    found = overview(registry)
    assert [(x.service, x.stage, x.record, x.plan, x.held) for x in found] == [
        ("desk", "production", 1, "plan-d", "record 2: launch week"),
        ("new", "-", 0, "none", ""),
        ("shop", "production", 4, "plan-a", "plans left by record 4"),
        ("shop", "staging", 3, "plan-c", "plans left by record 4"),
    ]
    assert found[0].shown() == ["1", "plan-d", "2026-01-02 03:04", "tester"]
    flip(registry.pointer("desk", "production"))
    assert overview(registry)[0].shown()[:2] == ["damaged", "plait registry verify"]


def test_a_row_for_each_act_damaged_or_not(tmp_path: Path) -> None:
    for content in "abc":
        crown(tmp_path, content)
    crown(tmp_path, "d", stage="staging")
    rollback(tmp_path, "shop", why="it is rude " * 20)
    registry = Registry(tmp_path)
    registry.path("shop", 1).rename(registry.path("shop", 1).with_suffix(".damaged"))
    flip(registry.path("shop", 3), at=40)
    rows = history(registry, "shop")
    assert [row[:2] + row[3:4] for row in rows] == [
        ["", "1", "lost"],
        ["", "2", "promote"],
        ["", "3", "damaged"],
        ["▶ staging", "4", "promote (staging)"],
        ["▶ production", "5", "rollback"],
    ]
    assert rows[1] == [
        "", "2", "2026-01-02 03:04", "promote", "plan-b", "promoted", "tester", "plan b wins",
    ]  # fmt: skip
    assert all(len(row[-1]) <= 80 for row in rows)
    assert rows[4][-1].startswith("…")


def test_a_record_in_full(tmp_path: Path) -> None:
    crown(tmp_path, "a")
    record = rollback_of_two(tmp_path)
    shown = details(record)
    assert shown["Record"] == ["3 of shop, rollback in production: done"]
    assert shown["Plan"] == ["plan-a", "intent: one"]
    assert shown["Scores"] == ["intent: accuracy 51.00 %"]
    assert shown["Restores"] == ["1"]
    assert shown["Seal"] == [record.seal]
    assert any(line.startswith("packages.torch: ") for line in shown["Machine"])
    assert "Consent" not in shown


def rollback_of_two(root: Path) -> Record:
    crown(root, "b")
    return rollback(root, "shop")


def test_differences_of_two_records(tmp_path: Path) -> None:
    one = replace(
        crown(tmp_path, "a"),
        gates=({"gate": "floor", "value": 0.5},),
        source={"params": "1" * 64},
        environment={"packages": {"torch": "2.7.0"}},
    )
    two = replace(
        crown(tmp_path, "bb"),
        gates=({"gate": "floor", "value": 0.6},),
        source={"params": "2" * 64},
        environment={"packages": {"torch": "2.8.0"}},
        heldout=one.heldout,
    )
    found = {each.what: each for each in differences(one, two)}
    assert set(found) == {
        "plan",
        "bundles.one",
        "scores.intent.accuracy",
        "gates.floor",
        "source.params",
        "environment.packages.torch",
    }
    assert found["scores.intent.accuracy"].row() == [
        "scores.intent.accuracy", "51.00 %", "52.00 %", "+1.00 points",
    ]  # fmt: skip
    assert found["source.params"].row() == ["source.params", "1" * 12, "2" * 12, ""]
    assert found["environment.packages.torch"] == Difference(
        "environment.packages.torch", "2.7.0", "2.8.0"
    )
    assert differences(one, one) == []
    gone = {each.what: each.row() for each in differences(one, replace(two, scores={}))}
    assert gone["scores.intent.accuracy"] == ["scores.intent.accuracy", "51.00 %", "–", ""]
