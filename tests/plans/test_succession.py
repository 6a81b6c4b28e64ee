"""The statistics of a succession alone, on answers to 4,000 rows, and how looks are counted."""

import pytest

from contenders import ROWS, plan
from plait.experiment.schema import Service
from plait.plans.succession import Succession, level_of, looks_before, meet
from plait.registry.records import Record


def succession(
    new: dict[str, float], old: dict[str, float], looks: int = 0, cost: tuple[int, int] = (0, 0)
) -> Succession:
    service = Service(tasks=tuple(new), plans={"one": ("a",), "two": ("b",)})
    return meet(plan("one", 1, **new), plan("the champion", 1, **old), service, looks, cost)


def test_the_level_is_an_equal_share_of_five_percent() -> None:
    service = Service(tasks=("a", "b"), plans={"x": ("m",), "y": ("n",), "z": ("o",)}, looks=20)
    assert level_of(service) == pytest.approx(0.05 / (20 * 2 * 3))


@pytest.mark.parametrize(("more", "succeeds"), [(10, False), (11, True)])
def test_better_is_decided_at_the_level(more: int, succeeds: bool) -> None:
    """Of 4,000 rows, so many more are right and none less: p is 2 ** -more; the level 0.0005."""
    found = succession({"a": 0.8 + more / ROWS}, {"a": 0.8})
    assert found.level == pytest.approx(0.05 / (50 * 2))
    assert found.p["a"] == pytest.approx(0.5**more)
    assert found.succeeds is succeeds
    assert found.better == (("a",) if succeeds else ())


@pytest.mark.parametrize(
    ("cost", "succeeds"), [((10, 15), True), ((10, 14), False), ((0, 15), False), ((10, 0), False)]
)
def test_cheaper_is_decided_by_the_ratio(cost: tuple[int, int], succeeds: bool) -> None:
    assert succession({"a": 0.8}, {"a": 0.8}, cost=cost).succeeds is succeeds
    assert succession({"a": 0.8}, {"a": 0.8}, looks=99, cost=cost).succeeds is succeeds


def test_a_spent_budget_is_no_level() -> None:
    assert succession({"a": 0.9}, {"a": 0.8}, looks=49).better == ("a",)
    assert succession({"a": 0.9}, {"a": 0.8}, looks=50).better == ()


def record(number: int, bundle: str, replaces: int, rows: str = "rows") -> Record:
    return Record(
        "s", "refused", "", tasks={"a": "m"}, bundles={"m": bundle}, heldout={"a": rows},
        comparison={"a": {}}, number=number, replaces=replaces,
    )  # fmt: skip


def test_looks_are_pairs_that_met_on_the_same_rows() -> None:
    champion = Record(
        "s", "promoted", "", tasks={"a": "m"}, bundles={"m": "old"}, heldout={"a": "rows"}, number=1
    )
    history = [
        champion,
        record(2, "x", 1),
        record(3, "x", 1),
        record(4, "y", 1, rows="others"),
        record(5, "z", 1),
    ]
    assert looks_before(history, record(0, "new", 1), champion) == 2
    assert looks_before(history, record(0, "z", 1), champion) == 1
    assert looks_before(history, record(0, "new", 1, rows="others"), champion) == 1
    assert looks_before(history, record(0, "new", 1, rows="fresh"), champion) == 0
    assert looks_before(history, record(0, "x", 2), history[1]) == 2  # another champion
