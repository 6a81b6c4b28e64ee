"""How often 50 nightly retrainings of equally good models replace a champion, and better ones do.

Each row has a difficulty of its own, and each training is right on it by chance: so all trainings
are equally good, and two of them disagree on a known share of rows. Every night several plans are
trained, the best mean wins (`plait.plans.verdict`), and the winner meets the champion on the same
held-out rows: by the rule (`plait.plans.succession`, with the settings that a service has), and by
the rule of before: a mean that is a hair better. A false promotion is any after the first champion.
Power: how often challengers that are truly better replace the champion, on the first night and
within the series.

    python benchmarks/promotion_series.py [--quick] [--output docs/results/promotion_series.md]
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from tqdm import tqdm

from plait.experiment.schema import Service
from plait.plans.succession import ALPHA, level_of, meet, no_better
from plait.plans.verdict import Contender, choose
from plait.scores.differences import ROUNDING
from plait.scores.intervals import wilson
from plait.scores.row_results import Pair, RowResults

NIGHTS = 50
MANY = 1000
"""Rows: with more, half as many series are simulated."""
SEED = 2026
ACCURACY, DISAGREEMENT = 0.90, 0.06
FOUND = 0.80
"""The share of gold spans that a training finds."""
SPREAD = 0.7
"""Of spans' difficulty: as Beta(0.7 × 0.8, 0.7 × 0.2), so that trainings agree on most of them."""
SPURIOUS = 0.1
"""Of the rows have a span that is none, row by row by chance."""
PAIRS = (Pair("a", "b"), Pair("a", "a"))


@dataclass(frozen=True)
class Answers:
    """One training's answers to a task: the metric, and the rows."""

    metric: str
    value: float
    rows: Callable[[], RowResults]


class Labels:
    """Rows with a label, and the chance that a training is right on each: Beta-distributed."""

    metric = "accuracy"

    def __init__(self, draw: Generator, n: int) -> None:
        spread = DISAGREEMENT / (2 * ACCURACY * (1 - ACCURACY))
        size = spread / (1 - spread)
        self.chance = draw.beta(ACCURACY * size, (1 - ACCURACY) * size, size=n)
        self.ids = [str(i) for i in range(n)]

    def answered(self, draw: Generator, lift: float) -> Answers:
        """A training that is better by `lift` on the population."""
        raised = self.chance + lift / (1 - ACCURACY) * (1 - self.chance)
        lowered = self.chance * (1 + min(lift, 0.0) / ACCURACY)
        right = draw.random(len(self.ids)) < (raised if lift > 0 else lowered)

        def rows() -> RowResults:
            return {i: PAIRS[r] for i, r in zip(self.ids, right.tolist(), strict=True)}

        return Answers(self.metric, float(right.mean()), rows)


class Spans:
    """Rows of 0 to 3 spans, each found by chance, as is one that is none."""

    metric = "span_f1"

    def __init__(self, draw: Generator, n: int) -> None:
        self.gold = draw.integers(0, 4, size=n)
        self.chance = draw.beta(SPREAD * FOUND, SPREAD * (1 - FOUND), size=n)
        self.ids = [str(i) for i in range(n)]

    def answered(self, draw: Generator, lift: float) -> Answers:
        """A training that is better by `lift` on the population."""
        more = found_for(lift)
        raised = self.chance + (more - FOUND) / (1 - FOUND) * (1 - self.chance)
        lowered = self.chance * min(1.0, more / FOUND)
        found = draw.binomial(self.gold, raised if lift > 0 else lowered)
        wrong = (draw.random(len(self.ids)) < SPURIOUS).astype(np.int64)
        value = 2 * found.sum() / (self.gold + found + wrong).sum()

        def rows() -> RowResults:
            keys = zip(self.gold.tolist(), found.tolist(), wrong.tolist(), strict=True)
            return {i: spans_of(*key) for i, key in zip(self.ids, keys, strict=True)}

        return Answers(self.metric, float(value), rows)


@cache
def spans_of(gold: int, found: int, wrong: int) -> Pair:
    every = [(place, place + 1, "a") for place in range(gold)]
    more = {(90 + place, 100, "b") for place in range(wrong)}
    return Pair(frozenset(every), frozenset(every[:found]) | more)


def span_f1(found: float) -> float:
    """Of a training that finds this share of 1.5 spans a row."""
    return 2 * found * 1.5 / (1.5 + found * 1.5 + SPURIOUS)


@cache
def found_for(lift: float) -> float:
    """The share of spans that one finds whose F1 is better by `lift`."""
    wanted = span_f1(FOUND) + lift
    return wanted * (1.5 + SPURIOUS) / (1.5 * (2 - wanted))


@dataclass(frozen=True)
class Setting:
    """What is trained every night: tasks, and how many plans contend."""

    name: str
    tasks: Mapping[str, type[Labels] | type[Spans]]
    plans: int

    @property
    def service(self) -> Service:
        plans = {f"plan-{number}": ("candidate",) for number in range(self.plans)}
        return Service(tasks=tuple(self.tasks), plans=plans)


SETTINGS = (
    Setting("accuracy, 1 plan", {"intent": Labels}, 1),
    Setting("span F1, 1 plan", {"slots": Spans}, 1),
    Setting("accuracy and span F1, 3 plans", {"intent": Labels, "slots": Spans}, 3),
)
TWO = Setting("accuracy of two tasks, 3 plans", {"intent": Labels, "team": Labels}, 3)


class Series:
    """Held-out rows, and the winner of each night."""

    def __init__(self, setting: Setting, n: int, number: int) -> None:
        self.setting = setting
        self.draw = np.random.default_rng([SEED, n, number])
        self.rows = {name: kind(self.draw, n) for name, kind in setting.tasks.items()}

    def winner(self, lifts: Mapping[str, float]) -> Contender:
        """The plan that wins tonight: the best mean of as many models."""
        answers = [
            {name: rows.answered(self.draw, lifts.get(name, 0)) for name, rows in self.rows.items()}
            for _ in range(self.setting.plans)
        ]
        plans = [
            Contender(
                f"plan-{number}",
                ("candidate",),
                {task: found.value for task, found in each.items()},
                {task: found.metric for task, found in each.items()},
            )
            for number, each in enumerate(answers)
        ]
        name = choose("service", plans, margin=self.setting.service.margin).winner
        won = next(number for number, plan in enumerate(plans) if plan.plan == name)
        rows = {task: found.rows() for task, found in answers[won].items()}
        return replace(plans[won], row_results=rows)


def succeeds(winner: Contender, champion: Contender, service: Service, looks: int) -> bool:
    """By the rule."""
    return meet(winner, champion, service, looks, (0, 0)).succeeds


def may_succeed(winner: Contender, champion: Contender, service: Service) -> bool:
    """Whether the winner is better on a task. No cost is known here, so that elsewhere the rule
    refuses whatever the tests for non-inferiority say: they are left out, for time."""
    level = level_of(service)
    return min(no_better(winner, champion, level).values()) <= level


def false_promotions(setting: Setting, n: int, number: int) -> tuple[int, int]:
    """In a series of equally good models: by the rule, and by a mean that is a hair better."""
    series, service = Series(setting, n, number), setting.service
    by_rule = by_mean = series.winner({})
    promoted = [0, 0]
    for looks in range(NIGHTS):
        winner = series.winner({})
        if may_succeed(winner, by_rule, service) and succeeds(winner, by_rule, service, looks):
            by_rule, promoted[0] = winner, promoted[0] + 1
        if winner.mean > by_mean.mean + ROUNDING:
            by_mean, promoted[1] = winner, promoted[1] + 1
    return promoted[0], promoted[1]


def nights_until(setting: Setting, n: int, number: int, lifts: Mapping[str, float]) -> int:
    """Of challengers that differ from the champion by `lifts`: the night of the first promotion,
    from 0; `NIGHTS` where there is none."""
    series = Series(setting, n, number)
    champion = series.winner({})
    nights = range(NIGHTS)
    won = (t for t in nights if succeeds(series.winner(lifts), champion, setting.service, t))
    return next(won, NIGHTS)


def share(count: int, of: int) -> str:
    low, high = wilson(count / of, of)
    return f"{100 * count / of:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Each line is also shown as soon as it is known."""
    found = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for line in lines:
        found.append(f"| {' | '.join(line)} |")
        tqdm.write(found[-1], file=sys.stderr)
    return "\n".join(found)


def equal_lines(sizes: Sequence[int], series: int) -> Iterable[list[str]]:
    counts: list[tuple[int, int]] = []
    for setting in SETTINGS:
        for n in sizes:
            size = series // 2 if n > MANY else series
            times = tqdm(range(size), desc=f"equally good, {setting.name}, n {n}")
            found = [false_promotions(setting, n, number) for number in times]
            counts += found
            yield [setting.name, f"{n:,}", str(size), *_of_rules(found)]
    yield ["all", "", str(len(counts)), *_of_rules(counts)]


def _of_rules(found: Sequence[tuple[int, int]]) -> Iterable[str]:
    for rule in (0, 1):
        own = [each[rule] for each in found]
        yield share(sum(count > 0 for count in own), len(own))
        yield f"{sum(own) / len(own):.2f}"


POWER: tuple[tuple[Setting, str, Mapping[str, float]], ...] = (
    (SETTINGS[-1], "+2 points on both tasks", {"intent": 0.02, "slots": 0.02}),
    (SETTINGS[-1], "+5 points on both tasks", {"intent": 0.05, "slots": 0.05}),
    (TWO, "+5 points on one task, the other equal", {"intent": 0.05}),
    (TWO, "+5 points on one task, −1 (the margin) on the other", {"intent": 0.05, "team": -0.01}),
    (TWO, "+5 points on one task, −2 on the other", {"intent": 0.05, "team": -0.02}),
)


def power_lines(sizes: Sequence[int], series: int) -> Iterable[list[str]]:
    for setting, name, lifts in POWER:
        size = series // 2 if setting is TWO else series  # which hardly ever end early
        for n in sizes:
            times = tqdm(range(size), desc=f"{name}, n {n}")
            found = [nights_until(setting, n, number, lifts) for number in times]
            first, ever = (sum(t < end for t in found) for end in (1, NIGHTS))
            yield [setting.name, name, f"{n:,}", str(size), share(first, size), share(ever, size)]


def report(sizes: Sequence[int], series: int, fewer: int, command: str) -> str:
    service = SETTINGS[-1].service
    settings: dict[str, Any] = {"looks": service.looks, "margin": service.margin}
    levels = ", ".join(f"{s.name} {level_of(s.service):.2g}" for s in SETTINGS)
    return "\n\n".join(
        [
            "# Fifty nightly retrainings: false promotions, and power",
            f"Row by row, seed {SEED}: accuracy {100 * ACCURACY:g} %, two trainings disagree on "
            f"{100 * DISAGREEMENT:g} % of the rows; span F1 {100 * span_f1(FOUND):.1f} %, 0 to 3 "
            f"spans a row. {NIGHTS} nights after the first champion; looks {settings['looks']}, "
            f"margin {settings['margin']}; {100 * ALPHA:g} % for the series is a level of p for "
            f"each test of: {levels}. Intervals are 95 % (Wilson's) of the simulation. Made with "
            f"`{command}`.",
            "Equally good models: series in which one replaces a champion (at most 5 % wanted), "
            "and promotions a series; by the rule, and by the rule of before: a mean that is a "
            "hair better on the same rows.",
            table(
                ["trained every night", "rows", "series", "the rule, %", "a series",
                 "better mean, %", "a series"],
                equal_lines(sizes, series),
            ),
            "Power: challengers that differ from the champion on the population, promoted on the "
            "first night, and within the series. In the last two a task is worse by the margin, or "
            "by more, and the other better: non-inferiority is tested at 5 % every night, and no "
            "budget limits it.",
            table(
                ["trained every night", "challengers", "rows", "series", "first night, %",
                 "within the series, %"],
                power_lines(sizes, fewer),
            ),
        ]
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few series (half a minute)")
    parser.add_argument("--output", type=Path, help="Markdown file to write")
    given = parser.parse_args()
    sizes, series, fewer = ((300,), 10, 5) if given.quick else ((300, 800, 3000), 100, 30)
    command = f"python benchmarks/promotion_series.py{' --quick' * given.quick}"
    text = report(sizes, series, fewer, command)
    print(text)
    if given.output:
        given.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
