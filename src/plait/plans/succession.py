"""Whether the plan that wins replaces the champion, by what both answered on the same rows.

Equally good models are trained night after night, and one of them always looks a hair better. So
`better` is held to a level that leaves 5 % of false promotions for all looks at the same held-out
rows together, whose number the service states (Bonferroni: 5 % over looks, tasks and plans).
Cheaper at equal quality needs no such budget: each such step divides the parameters by the
service's ratio, so there are few.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plait.plans.verdict import Contender, Replacement, non_inferiority
from plait.registry.holds import plan_of
from plait.registry.records import Record
from plait.scores.differences import Finding
from plait.scores.superiority import better

if TYPE_CHECKING:
    from plait.experiment.schema import Service

ALPHA = 0.05
"""The share of series of equally good challengers in which one may replace a champion."""


@dataclass(frozen=True)
class Succession:
    """A winner against the champion.

    Attributes:
        replacement: the non-inferiority tests, one a task.
        p: task → one-sided p of the winner being no better.
        level: the largest p that counts as better.
        looks: how many other winners met a champion on these rows before.
        most_looks: how many may.
        parameters: of the winner's and of the champion's models; 0 where they are unknown.
        ratio: how many times the winner's the champion's must be, for the winner to be cheaper.
    """

    replacement: Replacement
    p: Mapping[str, float]
    level: float
    looks: int
    most_looks: int
    parameters: tuple[int, int]
    ratio: float

    @property
    def spent(self) -> bool:
        """Whether no look at these rows is left, so that no quality promotes any more."""
        return self.looks >= self.most_looks

    @property
    def better(self) -> tuple[str, ...]:
        """The tasks on which the winner is shown to be better."""
        return () if self.spent else tuple(t for t, p in self.p.items() if p <= self.level)

    @property
    def cheaper(self) -> bool:
        """Whether the champion has `ratio` times the parameters or more."""
        ours, theirs = self.parameters
        return 0 < ours * self.ratio <= theirs

    @property
    def finding(self) -> Finding:
        """The finding that speaks most against the winner."""
        return self.replacement.finding

    @property
    def succeeds(self) -> bool:
        """Non-inferior on every task, and better on one or cheaper."""
        return self.finding == "non-inferior" and bool(self.better or self.cheaper)

    def as_json(self) -> dict[str, Any]:
        """By task, as a record holds it."""
        return {
            test.task: {
                "metric": test.metric,
                **test.difference.as_json(),
                "margin": test.margin,
                "finding": test.finding,
                "p_better": float(f"{self.p[test.task]:.3g}"),
                "level": float(f"{self.level:.3g}"),
            }
            for test in self.replacement.tests
        }


def meet(
    winner: Contender,
    champion: Contender,
    service: "Service",
    looks: int,
    parameters: tuple[int, int],
) -> Succession:
    """Compare a winner with the champion in pairs, on the rows that both answered."""
    level = level_of(service)
    return Succession(
        Replacement(winner, champion, non_inferiority(winner, champion, service.margin)),
        no_better(winner, champion, level),
        level,
        looks,
        service.looks,
        parameters,
        service.cheaper,
    )


def level_of(service: "Service") -> float:
    """The largest p that counts as better, for each task of each look.

    The winner was chosen among the service's plans by the same rows.
    """
    return ALPHA / (service.looks * len(service.tasks) * len(service.plans))


def no_better(winner: Contender, champion: Contender, level: float) -> dict[str, float]:
    """Task → p of the winner being no better than the champion."""
    return {
        task: better(winner.row_results[task], champion.row_results[task], metric, level)
        for task, metric in winner.metrics.items()
    }


def looks_before(history: Sequence[Record], winner: Record, champion: Record) -> int:
    """How many other pairs of winner and champion met on rows of `winner`, before this pair did.

    A pair that meets again says nothing new, and is the same look.
    """
    by_number = {record.number: record for record in history}
    met: dict[object, None] = {}
    for record in history:
        former = by_number.get(record.replaces or 0)
        if record.comparison and former and _share_rows(record, winner):
            met.setdefault((plan_of(record), plan_of(former)))
    pair = (plan_of(winner), plan_of(champion))
    return list(met).index(pair) if pair in met else len(met)


def _share_rows(one: Record, other: Record) -> bool:
    return not set(one.heldout.values()).isdisjoint(other.heldout.values())
