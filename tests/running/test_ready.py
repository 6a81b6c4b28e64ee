"""Which stages may start: the graph's edges, the machine's cores and its GPU decide."""

from typing import Any

import pytest

from plait.errors import PlaitError
from plait.running.graph import Graph, Outcome, Stage
from plait.running.ready import Walk

LOADS: dict[str, dict[str, Any]] = {
    "all": {"cores": 0},
    "two": {"cores": 2},
    "one": {},
    "alone": {"alone": True},
    "gpu": {"gpu": True},
    "outcome": {"outcome": True},
}


def walk_of(changed: str, cores: int = 2, **loads: str) -> Walk:
    """Stages `a`, `b`, … as `load` or `load:upstream`."""
    stages = {}
    for name, text in loads.items():
        kind, _, upstream = text.partition(":")
        stages[name] = Stage(name, name, tuple(upstream), **LOADS[kind])
    return Walk(Graph(stages, frozenset(changed)), cores=cores, gpu=True)


def test_stages_run_side_by_side_while_there_are_cores() -> None:
    walk = walk_of("abcdef", cores=3, a="all", b="two", c="one", d="one", e="one", f="alone")
    assert walk.start() == ["a"]
    walk.finish("a", Outcome.RAN)
    assert walk.start() == ["b", "c"]
    walk.finish("b", Outcome.RAN)
    assert walk.start() == ["d", "e"]
    for name in "cd":
        walk.finish(name, Outcome.RAN)
        assert walk.start() == []
    walk.finish("e", Outcome.RAN)
    assert walk.start() == ["f"]
    assert walk.blocked == []


def test_beside_a_stage_that_is_alone_nothing_starts() -> None:
    walk = walk_of("abc", a="alone", b="one:a", c="one:d", d="alone")
    assert walk.start() == ["a", "d"]  # d is unchanged and needs no turn
    walk.finish("d", Outcome.UNCHANGED)
    assert walk.start() == []
    walk.finish("a", Outcome.RAN)
    assert walk.start() == ["b", "c"]


def test_one_stage_holds_the_gpu() -> None:
    walk = walk_of("abc", cores=8, a="gpu", b="gpu", c="one")
    assert walk.start() == ["a", "c"]


def test_dvc_is_asked_where_something_may_have_changed() -> None:
    walk = walk_of("a", a="one", b="one:a", c="one:b", d="one:c")
    assert walk.start() == ["a"]
    walk.finish("a", Outcome.RAN)
    assert walk.start() == ["b"]
    assert walk.needs_run("b")
    walk.finish("b", Outcome.UNCHANGED)
    assert walk.start() == ["c"]
    assert not walk.needs_run("c")
    walk.finish("c", Outcome.RESTORED)
    assert walk.start() == ["d"]
    assert walk.needs_run("d")


def test_a_failure_blocks_what_is_downstream_and_nothing_else() -> None:
    walk = walk_of("abcd", a="one", b="one:a", c="one", d="one:c")
    assert walk.start() == ["a", "c"]
    walk.fail("a", "no rows")
    walk.finish("c", Outcome.RAN)
    assert walk.start() == ["d"]
    walk.finish("d", Outcome.RAN)
    assert walk.start() == []
    assert (walk.failures, walk.blocked) == ({"a": "no rows"}, ["b"])


def test_actions_go_on_if_only_the_outcome_failed() -> None:
    walk = walk_of("abc", cores=3, a="one", b="outcome:a", c="one")
    assert walk.start() == ["a", "c"]
    walk.finish("a", Outcome.RAN)
    assert walk.start() == ["b"]
    walk.fail("b", "a candidate was left out")
    assert walk.may_act
    walk.fail("c", "no rows")
    assert not walk.may_act


def test_only_the_stages_of_some_candidates_and_what_they_need() -> None:
    edges = {"code": "", "data": "code", "other": "", "train@a": "data", "train@b": "data other"}
    edges |= {"score@a": "train@a", "score@b": "train@b", "report": "score@a score@b"}
    stages = {name: Stage(name, name, tuple(needed.split())) for name, needed in edges.items()}
    graph = Graph(stages, frozenset({"data", "report"}), frozenset({"code"}))
    assert list(graph.only(["a"]).stages) == ["code", "data", "train@a", "score@a"]
    assert set(graph.only(["b"]).stages) == {"code", "data", "other", "train@b", "score@b"}
    assert list(graph.only(["b", "a"]).stages) == list(edges)[:-1]
    with pytest.raises(PlaitError, match=r"candidates: the graph has no 'aa'; did you mean 'a'"):
        graph.only(["aa", "b"])
