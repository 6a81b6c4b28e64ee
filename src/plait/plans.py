"""Which plan of a service wins. The report and the promotion ask this module alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plait.comparison import ROUNDING, Difference, Outcome
from plait.errors import PlaitError
from plait.outcomes import Outcomes, compare, compare_means
from plait.seeds import siblings

if TYPE_CHECKING:
    from plait.experiment import Experiment

Scores = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Candidate → task → metric → value (0–1): the contents of `scores/CANDIDATE.json` by candidate."""
ByTask = Mapping[str, Mapping[str, Outcomes]]
"""Candidate → task → its answers row by row."""


@dataclass(frozen=True)
class Contender:
    """A plan with what it scored: the headline metric (0–1) of each task of the service.

    `metrics` names the headline metrics, `outcomes` has the answers that they rest on, `backbones`
    is what the models are made of. `seeds` has, by task and seed, the answers of the plan's own
    model and of those that differ from it in their seed alone.
    """

    plan: str
    candidates: tuple[str, ...]
    scores: Mapping[str, float]
    metrics: Mapping[str, str] = field(default_factory=dict)
    outcomes: Mapping[str, Outcomes] = field(default_factory=dict, repr=False)
    backbones: frozenset[str] = frozenset()
    seeds: Mapping[str, Mapping[int, Outcomes]] = field(default_factory=dict, repr=False)

    @property
    def mean(self) -> float:
        """The mean headline metric over the service's tasks."""
        return sum(self.scores.values()) / len(self.scores)


@dataclass(frozen=True)
class NonInferiority:
    """A plan of fewer models against one of more, on one task.

    `outcome` rests on the one-sided 95 % interval of the paired bootstrap over rows, and the margin
    (0–1). With `seeds`, it is of the means over trainings with these seeds: of the way to train,
    not of the models that a plan names.
    """

    plan: str
    reference: str
    task: str
    metric: str
    margin: float
    difference: Difference
    outcome: Outcome
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The outcome for one service.

    `winner` is None where no plan may be promoted. `rejected` says of each plan that may not win
    why. `sentence` is the outcome in words, with numbers. `means` has each plan's mean headline
    metric. `comparisons` has every plan of fewer models, the floor left out, against the best of
    those with more, and against the best of those with more that have the same backbones; where
    there are trainings with several seeds, over these, too.
    """

    service: str
    winner: str | None
    candidates: tuple[str, ...]
    floor_wins: bool
    rejected: Mapping[str, str]
    sentence: str
    means: Mapping[str, float]
    comparisons: tuple[NonInferiority, ...] = ()


def judge(experiment: "Experiment", service: str, scores: Scores, outcomes: ByTask) -> Verdict:
    """Choose among the plans of a service of an experiment.

    Raises:
        PlaitError: a candidate of one of the plans has no score for one of its tasks.
    """
    settings = experiment.services[service]
    contenders = [
        _contender(experiment, service, plan, scores, outcomes) for plan in settings.plans
    ]
    floor = settings.plans[settings.floor] if settings.floor else ()
    linear = all(experiment.candidates[name].approach == "linear" for name in floor)
    return choose(
        service,
        contenders,
        floor=settings.floor,
        gates=settings.gates,
        margin=settings.margin,
        floor_title="TF-IDF floor" if linear else "floor",
    )


def _contender(
    experiment: "Experiment", service: str, plan: str, scores: Scores, outcomes: ByTask
) -> Contender:
    settings = experiment.services[service]
    candidates = settings.plans[plan]
    by = {task: answered_by(experiment, candidates, task) for task in settings.tasks}
    return Contender(
        plan,
        candidates,
        dict(_headlines(experiment, service, candidates, scores)),
        {task: experiment.tasks[task].headline() for task in settings.tasks},
        {task: outcomes[name][task] for task, name in by.items()},
        frozenset(experiment.candidates[name].backbone for name in candidates),
        {
            task: {
                seed: outcomes[other][task] for seed, other in siblings(experiment, name).items()
            }
            for task, name in by.items()
        },
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
    gates: Mapping[str, float] | None = None,
    margin: float = 0.0,
    floor_title: str = "floor",
) -> Verdict:
    """Choose the plan that a service should run.

    1. A plan below one of the `gates` (task → least headline metric) may not win.
    2. A plan other than `floor` must have a better mean headline metric than `floor`.
    3. Of those left the best mean wins, unless a plan of fewer models is non-inferior to it on
       every task: then the one with the fewest models does. Non-inferior means that the one-sided
       95 % interval of the difference on the same rows excludes a loss of `margin` (0–1) or more.
       Where every task must pass such a test, a plan that loses as much on one passes in at most
       5 % of cases (the intersection-union test: Berger 1982).
    4. Where none is left, `floor` wins if it passes the gates.

    Equal means are decided for fewer models, then by name.
    """
    base = next((plan for plan in contenders if plan.plan == floor), None)
    rejected = dict(_rejections(contenders, base, gates or {}, floor_title))
    challengers = [p for p in contenders if p.plan not in rejected and p is not base]
    means = {plan.plan: plan.mean for plan in contenders}
    found = tuple(_comparisons([plan for plan in contenders if plan is not base], margin))
    if challengers:
        best = min(challengers, key=_rank)
        winner, tests = _fewest_models(challengers, best, margin)
        sentence = _victory(winner, best, base, floor_title)
        sentence += "".join(_findings(winner, tests or found, margin))
        return Verdict(
            service, winner.plan, winner.candidates, False, rejected, sentence, means, found
        )
    sentence = _no_challenger(contenders, base, rejected, floor_title)
    if base is not None and base.plan not in rejected:
        return Verdict(service, base.plan, base.candidates, True, rejected, sentence, means, found)
    return Verdict(service, None, (), False, rejected, sentence, means, found)


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
        for found in [compare(plan.outcomes[task], reference.outcomes[task], metric)]
    )


def _over_seeds(plan: Contender, reference: Contender, margin: float) -> Iterator[NonInferiority]:
    """One test for each task that both have been trained for with the same seeds, two or more."""
    for task, metric in plan.metrics.items():
        mine, others = plan.seeds.get(task, {}), reference.seeds.get(task, {})
        seeds = tuple(sorted(mine.keys() & others.keys()))
        if len(seeds) > 1:
            found = compare_means([mine[s] for s in seeds], [others[s] for s in seeds], metric)
            outcome = found.non_inferior(margin)
            yield NonInferiority(
                plan.plan, reference.plan, task, metric, margin, found, outcome, seeds
            )


def _rank(plan: Contender) -> tuple[float, int, str]:
    return -round(plan.mean, 9), len(plan.candidates), plan.plan


def _rejections(
    contenders: Sequence[Contender],
    base: Contender | None,
    gates: Mapping[str, float],
    floor_title: str,
) -> Iterator[tuple[str, str]]:
    for plan in contenders:
        reasons = [
            f"{task} {_percent(plan.scores[task])} is below its gate {_percent(gate)}"
            for task, gate in gates.items()
            if plan.scores[task] < gate - ROUNDING
        ]
        if base is not None and plan is not base and plan.mean <= base.mean + ROUNDING:
            reasons.append(
                f"mean {_percent(plan.mean)} does not beat the {floor_title}'s "
                f"{_percent(base.mean)}"
            )
        if reasons:
            yield plan.plan, "; ".join(reasons)


def _fewest_models(
    challengers: Sequence[Contender], best: Contender, margin: float
) -> tuple[Contender, tuple[NonInferiority, ...]]:
    """The winner, and the tests that let it win over a better mean."""
    fewer = [plan for plan in challengers if len(plan.candidates) < len(best.candidates)]
    for plan in sorted(fewer, key=lambda plan: (len(plan.candidates), *_rank(plan))):
        # The scores themselves must be within the margin before their interval can be.
        if _within(plan, best, margin):
            tests = non_inferiority(plan, best, margin)
            if all(test.outcome == "non-inferior" for test in tests):
                return plan, tests
    return best, ()


def _within(plan: Contender, best: Contender, margin: float) -> bool:
    return all(
        plan.scores[task] >= value - margin - ROUNDING for task, value in best.scores.items()
    )


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def _title(plan: Contender) -> str:
    return f"plan {plan.plan} ({', '.join(plan.candidates)})"


def _victory(winner: Contender, best: Contender, base: Contender | None, floor_title: str) -> str:
    words = f"P{_title(winner)[1:]} wins: mean headline metric {_percent(winner.mean)}"
    if winner is not best:
        words += (
            f", on every task non-inferior to {best.plan} (mean {_percent(best.mean)}) with "
            f"{_models(winner)} instead of {len(best.candidates)}"
        )
    if base is not None:
        words += f"; the {floor_title} has {_percent(base.mean)}"
    return words + "."


def _models(plan: Contender) -> str:
    count = len(plan.candidates)
    return f"{count} model{'s' * (count > 1)}"


def _findings(winner: Contender, tests: Sequence[NonInferiority], margin: float) -> Iterator[str]:
    """A sentence for each tested pair of plans: what the rows show, and what they don't."""
    pairs = dict.fromkeys((test.plan, test.reference, test.seeds) for test in tests)
    for plan, reference, seeds in pairs:
        if winner.plan in (plan, reference):
            found = [t for t in tests if (t.plan, t.reference, t.seeds) == (plan, reference, seeds)]
            over = f" over seeds {', '.join(map(str, seeds))}" if seeds else ""
            yield f" {plan[:1].upper()}{plan[1:]} against {reference}{over}, "
            yield f"margin {points(margin)}: {'; '.join(map(in_words, found))}."


def in_words(test: NonInferiority) -> str:
    """One test with its numbers, in points."""
    found = test.difference
    low, high = (f"{100 * end:+.2f}" for end in found.ci95)
    figures = f"{100 * found.value:+.2f} points [{low}, {high}], n {found.n:,}"
    match test.outcome:
        case "non-inferior":
            return f"{test.task} non-inferior ({figures})"
        case "inferior":
            return f"{test.task} inferior by more than the margin ({figures})"
        case _:
            return f"these rows can't decide on {test.task} ({figures})"


def points(share: float) -> str:
    """1 point for 0.01."""
    value = f"{100 * share:g}"
    return f"{value} point{'s' * (value != '1')}"


def _no_challenger(
    contenders: Sequence[Contender],
    base: Contender | None,
    rejected: Mapping[str, str],
    floor_title: str,
) -> str:
    reasons = "; ".join(f"{plan}: {reason}" for plan, reason in rejected.items())
    if base is None:
        return f"No plan may be promoted: {reasons}."
    others = [plan.mean for plan in contenders if plan is not base]
    if not others:
        head = f"Nothing contends with the {floor_title}"
    elif max(others) > base.mean + ROUNDING:
        head = f"No fine-tuned model that beats the {floor_title} passes its gates"
    else:
        head = f"No fine-tuned model beats the {floor_title}"
    if base.plan in rejected:
        return f"{head}, and the {floor_title} fails its own: {reasons}."
    why = f" ({reasons})" if reasons else ""
    return f"{head}: {_title(base)} wins with mean headline metric {_percent(base.mean)}{why}."
