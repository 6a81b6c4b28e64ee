"""Which plan of a service wins. The report and the promotion ask this module alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from plait.errors import PlaitError
from plait.plans.gates import Evidence, Gate, of_plan, why_failed
from plait.plans.seeds import siblings
from plait.plans.wording import consequence, findings, no_challenger, others, percent, victory
from plait.scores.differences import ROUNDING, Difference, Finding
from plait.scores.row_results import RowResults, compare, compare_means
from plait.settings import WhenUndecided

if TYPE_CHECKING:
    from plait.experiment.schema import Experiment

Scores = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Candidate → task → metric → value (0–1): the contents of `scores/CANDIDATE.json` by candidate."""
ByTask = Mapping[str, Mapping[str, RowResults]]
"""Candidate → task → its answers row by row."""


@dataclass(frozen=True)
class Contender:
    """A plan with what it scored: the headline metric (0–1) of each task of the service.

    `metrics` names the headline metrics, `row_results` has the predictions behind them, `backbones`
    is what the models are made of. `seeds` has, by task and seed, the answers of the plan's own
    model and of those that differ from it in their seed alone. `gates` are those that are the same
    on every machine.
    """

    plan: str
    candidates: tuple[str, ...]
    scores: Mapping[str, float]
    metrics: Mapping[str, str] = field(default_factory=dict)
    row_results: Mapping[str, RowResults] = field(default_factory=dict, repr=False)
    backbones: frozenset[str] = frozenset()
    seeds: Mapping[str, Mapping[int, RowResults]] = field(default_factory=dict, repr=False)
    gates: tuple[Gate, ...] = ()

    @property
    def mean(self) -> float:
        """The mean headline metric over the service's tasks."""
        return sum(self.scores.values()) / len(self.scores)


@dataclass(frozen=True)
class NonInferiority:
    """A plan of fewer models against one of more, on one task.

    `finding` rests on the one-sided 95 % interval of the paired bootstrap over rows, and the margin
    (0–1). With `seeds`, it is of the means over trainings with these seeds: of the way to train,
    not of the models that a plan names.
    """

    plan: str
    reference: str
    task: str
    metric: str
    margin: float
    difference: Difference
    finding: Finding
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Replacement:
    """May a plan of fewer models replace `reference`, the best of those with more?

    `tests` has one test a task.
    """

    plan: Contender
    reference: Contender
    tests: tuple[NonInferiority, ...]

    @property
    def finding(self) -> Finding:
        """The finding that speaks most against the replacement."""
        found = {test.finding for test in self.tests}
        against: tuple[Finding, ...] = ("inferior", "undecided")
        return next((finding for finding in against if finding in found), "non-inferior")

    def tasks(self, finding: Finding) -> tuple[str, ...]:
        """The tasks whose tests have this finding."""
        return tuple(test.task for test in self.tests if test.finding == finding)

    def may(self, undecided: WhenUndecided) -> bool:
        """Whether the plan may replace the reference, given the service's `undecided` setting."""
        found = self.finding
        return found == "non-inferior" or (found == "undecided" and undecided == "fewer-models")


@dataclass(frozen=True)
class Undecided:
    """A plan of fewer models on which a service's setting decided, not the rows.

    It is inferior to `reference` on no task, and the rows can't decide `tasks`. `setting` is what
    the service says: `keep` kept `reference`, `fewer-models` took `plan`.
    """

    plan: str
    reference: str
    tasks: tuple[str, ...]
    setting: WhenUndecided


@dataclass(frozen=True)
class Verdict:
    """The decision for one service.

    `winner` is None where no plan may be promoted. `rejected` says of each plan that may not win
    why. `sentence` says it in words, with numbers; `headline` is who wins, and what the
    service's setting decided. `means` has each plan's mean headline metric. `comparisons` has every
    plan of fewer models, the floor left out, against the best of those with more, and against the
    best of those with more that have the same backbones; where there are trainings with several
    seeds, over these, too. `undecided` has the plans on which the service's setting decided.
    """

    service: str
    winner: str | None
    candidates: tuple[str, ...]
    floor_wins: bool
    rejected: Mapping[str, str]
    sentence: str
    means: Mapping[str, float]
    comparisons: tuple[NonInferiority, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    headline: str = ""
    gates: Mapping[str, tuple[Gate, ...]] = field(default_factory=dict)


def judge(
    experiment: "Experiment",
    service: str,
    scores: Scores,
    row_results: ByTask,
    evidence: Evidence,
    stopped: Mapping[str, str] | None = None,
) -> Verdict:
    """Choose among the plans of a service of an experiment.

    Args:
        stopped: candidates that have no scores, and why: plans that use one of them are out.

    Raises:
        PlaitError: a candidate of one of the plans has no score for one of its tasks.
    """
    settings = experiment.services[service]
    out = dict(_stopped_plans(settings.plans, stopped or {}))
    contenders = [
        _contender(experiment, service, plan, scores, row_results, evidence)
        for plan in settings.plans
        if plan not in out
    ]
    floor = settings.plans[settings.floor] if settings.floor else ()
    linear = all(experiment.candidates[name].approach == "linear" for name in floor)
    return choose(
        service,
        contenders,
        floor=settings.floor,
        margin=settings.margin,
        undecided=settings.undecided,
        floor_title="TF-IDF floor" if linear else "floor",
        out=out,
    )


def _stopped_plans(
    plans: Mapping[str, Sequence[str]], stopped: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for plan, candidates in plans.items():
        if found := [
            f"candidate {name} was {stopped[name]}" for name in candidates if name in stopped
        ]:
            yield plan, "; ".join(found)


def _contender(
    experiment: "Experiment",
    service: str,
    plan: str,
    scores: Scores,
    row_results: ByTask,
    evidence: Evidence,
) -> Contender:
    settings = experiment.services[service]
    candidates = settings.plans[plan]
    by = {task: answered_by(experiment, candidates, task) for task in settings.tasks}
    headlines = dict(_headlines(experiment, service, candidates, scores))
    return Contender(
        plan,
        candidates,
        headlines,
        {task: experiment.tasks[task].headline() for task in settings.tasks},
        {task: row_results[name][task] for task, name in by.items()},
        frozenset(experiment.candidates[name].backbone for name in candidates),
        {
            task: {
                seed: row_results[other][task] for seed, other in siblings(experiment, name).items()
            }
            for task, name in by.items()
        },
        of_plan(experiment, service, plan, by, headlines, evidence),
    )


def answered_by(experiment: "Experiment", candidates: Sequence[str], task: str) -> str:
    """The candidate of a plan that answers `task`."""
    return next(name for name in candidates if task in experiment.candidates[name].tasks)


def _headlines(
    experiment: "Experiment", service: str, candidates: Sequence[str], scores: Scores
) -> Iterator[tuple[str, float]]:
    for task in experiment.services[service].tasks:
        candidate = answered_by(experiment, candidates, task)
        metric = experiment.tasks[task].headline()
        try:
            yield task, scores[candidate][task][metric]
        except KeyError as error:
            raise PlaitError(
                f"scores/{candidate}.json: no {metric} of task {task!r}, which service "
                f"{service!r} is judged by. Run `dvc repro benchmark@{candidate}`."
            ) from error


def choose(
    service: str,
    contenders: Sequence[Contender],
    *,
    floor: str | None = None,
    margin: float = 0.0,
    undecided: WhenUndecided = "keep",
    floor_title: str = "floor",
    out: Mapping[str, str] | None = None,
) -> Verdict:
    """Choose the plan that a service should run.

    1. A plan that fails one of its gates may not win, nor may a plan other than `floor` whose mean
       headline metric does not beat that of `floor`.
    2. Among those left, `floor` aside, a plan of fewer models may replace those of more only by
       comparison with the best of these, the one with the highest mean. It may where it is
       non-inferior on every task: the one-sided 95 % interval of the difference on the same rows
       excludes a loss of `margin` (0–1) or more. It may not where a task is inferior: the interval
       excludes a loss of `margin` or less. Where none is and the rows can't decide one task or
       more, `undecided` decides: with `keep` it may not, with `fewer-models` it may.
    3. The first plan wins, by fewest models and then by better mean, that may replace the best of
       those with more. Plans with the most models need no such test: where no other wins, the
       better mean among them does.
    4. Where none is left, `floor` wins if it passes the gates.

    Plans in `out` have no scores, for the reason that it gives. If `floor` is one, none wins.

    Equal means are decided for fewer models, then by name. With `keep` every task must pass its
    test, so a plan that loses `margin` on one passes in at most 5 % of cases (the
    intersection-union test: Berger 1982); `fewer-models` gives that up.
    """
    base = next((plan for plan in contenders if plan.plan == floor), None)
    rejected = _rejected(contenders, base, floor_title, floor in (out or {}))
    rejected = {**(out or {}), **rejected}
    challengers = [p for p in contenders if p.plan not in rejected and p is not base]
    means = {plan.plan: plan.mean for plan in contenders}
    found = tuple(_comparisons([plan for plan in contenders if plan is not base], margin))
    gates = {plan.plan: plan.gates for plan in contenders}
    verdict = Verdict(service, None, (), False, rejected, "", means, found, gates=gates)
    if challengers:
        winner, tried = _winner(challengers, margin, undecided)
        head = victory(winner, tried, base, floor_title)
        words = (
            head,
            *findings(tried, found, undecided),
            others(winner, challengers, tried, rejected),
        )
        return replace(
            verdict,
            winner=winner.plan,
            candidates=winner.candidates,
            sentence="".join(words),
            undecided=tuple(_undecided(tried, undecided)),
            headline=head + "".join(consequence(each, undecided) for each in tried),
        )
    head, why = no_challenger(contenders, base, rejected, floor_title)
    verdict = replace(verdict, sentence=f"{head}{why}.", headline=f"{head}.")
    if base is not None and base.plan not in rejected:
        return replace(verdict, winner=base.plan, candidates=base.candidates, floor_wins=True)
    return verdict


def _winner(
    challengers: Sequence[Contender], margin: float, undecided: WhenUndecided
) -> tuple[Contender, tuple[Replacement, ...]]:
    """The winner, and the replacements that were tried in turn, its own last where it had one."""
    tried: list[Replacement] = []
    for plan in sorted(challengers, key=lambda plan: (len(plan.candidates), *_rank(plan))):
        larger = [p for p in challengers if len(p.candidates) > len(plan.candidates)]
        if not larger:
            break
        best = min(larger, key=_rank)
        tried.append(Replacement(plan, best, non_inferiority(plan, best, margin)))
        if tried[-1].may(undecided):
            break
    return plan, tuple(tried)


def _undecided(tried: Sequence[Replacement], setting: WhenUndecided) -> Iterator[Undecided]:
    for each in tried:
        if each.finding == "undecided":
            yield Undecided(each.plan.plan, each.reference.plan, each.tasks("undecided"), setting)


def _comparisons(plans: Sequence[Contender], margin: float) -> Iterator[NonInferiority]:
    """Each plan against the best of those with more models: of its own backbones, and of all."""
    for plan in plans:
        larger = sorted((p for p in plans if len(p.candidates) > len(plan.candidates)), key=_rank)
        alike = [other for other in larger if other.backbones == plan.backbones]
        for reference in {other.plan: other for other in [*alike[:1], *larger[:1]]}.values():
            yield from non_inferiority(plan, reference, margin)
            yield from _over_seeds(plan, reference, margin)


def non_inferiority(
    plan: Contender, reference: Contender, margin: float
) -> tuple[NonInferiority, ...]:
    """One test a task of the service."""
    return tuple(
        NonInferiority(
            plan.plan, reference.plan, task, metric, margin, found, found.non_inferior(margin)
        )
        for task, metric in plan.metrics.items()
        for found in [compare(plan.row_results[task], reference.row_results[task], metric, fine=0)]
    )


def _over_seeds(plan: Contender, reference: Contender, margin: float) -> Iterator[NonInferiority]:
    """One test for each task that both have been trained for with the same seeds, two or more."""
    for task, metric in plan.metrics.items():
        mine, others = plan.seeds.get(task, {}), reference.seeds.get(task, {})
        seeds = tuple(sorted(mine.keys() & others.keys()))
        if len(seeds) > 1:
            found = compare_means([mine[s] for s in seeds], [others[s] for s in seeds], metric)
            finding = found.non_inferior(margin)
            yield NonInferiority(
                plan.plan, reference.plan, task, metric, margin, found, finding, seeds
            )


def _rank(plan: Contender) -> tuple[float, int, str]:
    return -round(plan.mean, 9), len(plan.candidates), plan.plan


def _rejected(
    contenders: Sequence[Contender], base: Contender | None, floor_title: str, floor_out: bool
) -> dict[str, str]:
    found: dict[str, str] = {}
    for plan in contenders:
        reasons = [why_failed(gate) for gate in plan.gates if not gate.passed]
        if base is not None and plan is not base and plan.mean <= base.mean + ROUNDING:
            reasons.append(
                f"mean {percent(plan.mean)} does not beat the {floor_title}'s {percent(base.mean)}"
            )
        if floor_out:
            reasons.append(f"the {floor_title}, which it must beat, is out")
        if reasons:
            found[plan.plan] = "; ".join(reasons)
    return found
