"""Which plan of a service wins. The report and the promotion ask this module alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plait.errors import PlaitError

if TYPE_CHECKING:
    from plait.experiment import Experiment

Scores = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Candidate → task → metric → value (0–1): the contents of `scores/CANDIDATE.json` by candidate."""

# Differences below this are rounding: 0.90 - 0.01 must count as within a margin of 0.01.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Contender:
    """A plan with what it scored: the headline metric (0–1) of each task of the service."""

    plan: str
    candidates: tuple[str, ...]
    scores: Mapping[str, float]

    @property
    def mean(self) -> float:
        """The mean headline metric over the service's tasks."""
        return sum(self.scores.values()) / len(self.scores)


@dataclass(frozen=True)
class Verdict:
    """The outcome for one service.

    `winner` is None where no plan may be promoted. `rejected` says of each plan that may not win
    why. `sentence` is the outcome in words, with numbers. `means` has each plan's mean headline
    metric.
    """

    service: str
    winner: str | None
    candidates: tuple[str, ...]
    floor_wins: bool
    rejected: Mapping[str, str]
    sentence: str
    means: Mapping[str, float]


def judge(experiment: "Experiment", service: str, scores: Scores) -> Verdict:
    """Choose among the plans of a service of an experiment.

    Raises:
        PlaitError: a candidate of one of the plans has no score for one of its tasks.
    """
    settings = experiment.services[service]
    contenders = [
        Contender(plan, candidates, dict(_headlines(experiment, service, candidates, scores)))
        for plan, candidates in settings.plans.items()
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
    3. Of those left the best mean wins, unless a plan of fewer models is within `margin` (0–1) of
       it on every task: then the one with the fewest models does.
    4. Where none is left, `floor` wins if it passes the gates.

    Equal means are decided for fewer models, then by name.
    """
    base = next((plan for plan in contenders if plan.plan == floor), None)
    rejected = dict(_rejections(contenders, base, gates or {}, floor_title))
    challengers = [p for p in contenders if p.plan not in rejected and p is not base]
    means = {plan.plan: plan.mean for plan in contenders}
    if challengers:
        best = min(challengers, key=_rank)
        winner = _fewest_models(challengers, best, margin)
        sentence = _victory(winner, best, base, margin, floor_title)
        return Verdict(service, winner.plan, winner.candidates, False, rejected, sentence, means)
    sentence = _no_challenger(contenders, base, rejected, floor_title)
    if base is not None and base.plan not in rejected:
        return Verdict(service, base.plan, base.candidates, True, rejected, sentence, means)
    return Verdict(service, None, (), False, rejected, sentence, means)


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


def _fewest_models(challengers: Sequence[Contender], best: Contender, margin: float) -> Contender:
    close = [plan for plan in challengers if _within(plan, best, margin)]
    return min(close, key=lambda plan: (len(plan.candidates), *_rank(plan)))


def _within(plan: Contender, best: Contender, margin: float) -> bool:
    return plan is best or all(
        plan.scores[task] >= value - margin - ROUNDING for task, value in best.scores.items()
    )


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def _title(plan: Contender) -> str:
    return f"plan {plan.plan} ({', '.join(plan.candidates)})"


def _victory(
    winner: Contender, best: Contender, base: Contender | None, margin: float, floor_title: str
) -> str:
    words = f"P{_title(winner)[1:]} wins: mean headline metric {_percent(winner.mean)}"
    if winner is not best:
        words += (
            f", on every task within {_percent(margin)} of {best.plan} (mean "
            f"{_percent(best.mean)}) with {len(winner.candidates)} model"
            f"{'s' * (len(winner.candidates) > 1)} instead of {len(best.candidates)}"
        )
    if base is not None:
        words += f"; the {floor_title} has {_percent(base.mean)}"
    return words + "."


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
