"""Comparisons of candidates: every pair, several tasks with one task, seeds with one another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from plait.approaches.registry import APPROACHES
from plait.plans.seeds import OverSeeds, family, over_seeds, seed_of
from plait.scores.differences import Difference, McNemar, holm
from plait.scores.intervals import Estimate
from plait.scores.row_results import RowResults, compare, compare_rows, mean_over, statistics
from plait.settings import MULTI_TASK_SETTINGS

if TYPE_CHECKING:
    from plait.experiment.schema import Experiment

Rows = Mapping[str, Mapping[str, RowResults]]
"""Candidate → task → answers row by row."""


@dataclass(frozen=True)
class PairLine:
    """First minus second on one task; `p_holm` is corrected over all lines of the table."""

    task: str
    metric: str
    first: str
    second: str
    difference: Difference
    mcnemar: McNemar
    p_holm: float = 1.0


@dataclass(frozen=True)
class TransferLine(PairLine):
    """A candidate of several tasks minus one of the task alone, otherwise alike."""

    seed: int = 0
    temperature: float = 1.0


@dataclass(frozen=True)
class SeedLine:
    """Candidates that differ in their seed alone: mean and spread, and the mean's own interval over
    rows. `what` is the candidates' score, or one's advantage over another.
    """

    what: str
    task: str
    metric: str
    seeds: tuple[int, ...]
    spread: OverSeeds
    rows: Estimate | None


@dataclass(frozen=True)
class Comparisons:
    """The tables of comparisons; empty where there is nothing to compare."""

    pairs: tuple[PairLine, ...]
    transfer: tuple[TransferLine, ...]
    seeds: tuple[SeedLine, ...]


def compare_all(experiment: "Experiment", rows: Rows) -> Comparisons:
    """All comparisons of an experiment's candidates."""
    pairs = [
        _line(PairLine, experiment, rows, task, first, second)
        for task in experiment.tasks
        for first, second in combinations([name for name in rows if task in rows[name]], 2)
    ]
    transfer = list(_transfer(experiment, rows))
    seeds = [*_scores_over_seeds(experiment, rows), *_transfer_over_seeds(experiment, transfer)]
    return Comparisons(_corrected(pairs), _corrected(transfer), tuple(seeds))


def _line(
    kind: Any, experiment: "Experiment", rows: Rows, task: str, first: str, second: str, **more: Any
) -> Any:
    one, other, metric = rows[first][task], rows[second][task], experiment.tasks[task].headline()
    return kind(
        task, metric, first, second, compare(one, other, metric), compare_rows(one, other), **more
    )


def _corrected(lines: Sequence[Any]) -> tuple[Any, ...]:
    corrected = holm([line.difference.p for line in lines])
    return tuple(replace(line, p_holm=p) for line, p in zip(lines, corrected, strict=True))


def _transfer(experiment: "Experiment", rows: Rows) -> Iterator[TransferLine]:
    """Candidates of several tasks against those of one that are otherwise alike."""
    for name, candidate in experiment.candidates.items():
        for task in candidate.tasks if len(candidate.tasks) > 1 else ():
            for other, single in experiment.candidates.items():
                if single.tasks == (task,) and _kind(experiment, other) == _kind(experiment, name):
                    yield _line(
                        TransferLine,
                        experiment,
                        rows,
                        task,
                        name,
                        other,
                        seed=seed_of(experiment, name),
                        temperature=experiment.training_of(name).temperature,
                    )


def _kind(experiment: "Experiment", name: str) -> tuple[Any, ...]:
    """A key that is equal for candidates that differ in their tasks only."""
    one = experiment.candidates[name]
    options = APPROACHES[one.approach].options.model_validate(one.options)
    return (
        one.backbone,
        one.approach,
        one.method,
        seed_of(experiment, name),
        experiment.training_of(name).model_dump(exclude=MULTI_TASK_SETTINGS),
        options.model_dump(exclude=MULTI_TASK_SETTINGS),
    )


def _families(experiment: "Experiment") -> list[list[str]]:
    """Candidates by family, those with several seeds."""
    found: dict[str, list[str]] = {}
    for name in experiment.candidates:
        found.setdefault(family(experiment, name), []).append(name)
    return [names for names in found.values() if len(names) > 1]


def _scores_over_seeds(experiment: "Experiment", rows: Rows) -> Iterator[SeedLine]:
    for names in _families(experiment):
        for task in experiment.candidates[names[0]].tasks:
            metric = experiment.tasks[task].headline()
            found = [rows[name][task] for name in names]
            yield SeedLine(
                ", ".join(names),
                task,
                metric,
                tuple(seed_of(experiment, name) for name in names),
                over_seeds([_value(each, metric) for each in found]),
                mean_over(found, metric),
            )


def _value(found: RowResults, metric: str) -> float:
    (sums,), value = statistics([found], list(found), metric)
    return float(value(sums.sum(axis=0, keepdims=True))[0])


def _transfer_over_seeds(
    experiment: "Experiment", transfer: Sequence[TransferLine]
) -> Iterator[SeedLine]:
    """Several tasks minus one, seed by seed: is there negative transfer whatever the seed?"""
    groups: dict[tuple[str, str, str], list[TransferLine]] = {}
    for line in transfer:
        key = (family(experiment, line.first), family(experiment, line.second), line.task)
        groups.setdefault(key, []).append(line)
    for lines in groups.values():
        if len(lines) > 1:
            yield SeedLine(
                f"{', '.join(line.first for line in lines)} minus one task alone "
                f"(temperature {lines[0].temperature:g})",
                lines[0].task,
                lines[0].metric,
                tuple(line.seed for line in lines),
                over_seeds([line.difference.value for line in lines]),
                None,
            )
