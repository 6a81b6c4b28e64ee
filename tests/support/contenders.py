"""Plans with made-up scores, and rows that have these scores."""

from collections.abc import Mapping
from dataclasses import replace

from plait.plans.gates import floors
from plait.plans.verdict import Contender, Verdict, choose
from plait.scores.row_results import Pair, RowResults

ROWS = 4000


def plan(name: str, models: int, **scores: float) -> Contender:
    """A plan with rows that have these scores; the rows it has wrong are the last ones."""
    return Contender(
        name,
        tuple(f"{name}-{n}" for n in range(models)),
        scores,
        dict.fromkeys(scores, "accuracy"),
        {task: answered(score) for task, score in scores.items()},
    )


def answered(score: float, n: int = ROWS) -> RowResults:
    right = round(score * n)
    return {str(i): Pair("a", "a" if i < right else "b") for i in range(n)}


SEVERAL = plan("several", 2, intent=0.90, slots=0.80)
FLOOR = plan("floor", 2, intent=0.70, slots=0.50)


def decide(
    *plans: Contender, gates: Mapping[str, float] | None = None, **settings: object
) -> Verdict:
    gated = [with_floors(each, gates or {}) for each in plans]
    return choose("assistant", gated, floor="floor", floor_title="TF-IDF floor", **settings)  # type: ignore[arg-type]


def with_floors(plan: Contender, limits: Mapping[str, float]) -> Contender:
    """A plan with floors of its tasks."""
    return replace(plan, gates=tuple(floors(plan.plan, plan.scores, limits)))
