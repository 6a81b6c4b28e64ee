"""Mistakes across the sections of an experiment: unknown names and contradicting settings."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plait.approaches.registry import APPROACHES
from plait.errors import did_you_mean
from plait.experiment.messages import option_mistakes
from plait.experiment.policy import AGGREGATE_RULES, RULES
from plait.tasks import METRICS

if TYPE_CHECKING:
    from plait.experiment.schema import Candidate, Experiment, Service, TaskSettings

DVC_IGNORED_KEYS = ("size", "nfiles")
SLICES = ("length", "training rows of the label", "leak")
"""What the rows of every task are sliced by (`plait.scores.slices`)."""


@dataclass(frozen=True)
class References:
    """The names in each section as written, including those of entries with mistakes.

    So a mistake in a task does not also report an unknown task for each candidate that names it.
    """

    names: Mapping[str, Collection[str]]

    @classmethod
    def of(cls, value: Mapping[Any, Any]) -> "References":
        """The names in a parsed params.yaml; a section that is no mapping has none."""
        return cls({key: list(v) for key, v in value.items() if isinstance(v, Mapping)})

    def has(self, section: str, name: str) -> bool:
        """Whether a section has an entry of that name, with or without mistakes."""
        return name in self.names.get(section, ())

    def check(self, path: str, section: str, found: str) -> Iterator[str]:
        """A mistake if `section` exists and lacks the name."""
        if section in self.names:
            yield from _unknown(path, section.removesuffix("s"), found, self.names[section])


def contradictions(experiment: "Experiment", references: References) -> Iterator[str]:
    """Each contradiction between sections, as a line with its path."""
    for name, task in experiment.tasks.items():
        yield from _task(experiment, references, f"tasks.{name}", task)
    for name, candidate in experiment.candidates.items():
        yield from _candidate(experiment, references, f"candidates.{name}", candidate)
    for name, service in experiment.services.items():
        yield from _service(experiment, references, f"services.{name}", service)
    for name, policy in experiment.validation.rules.items():
        yield from _rule(f"validation.rules.{name}", name, policy)


def ignored_by_dvc(value: Any, path: str = "") -> Iterator[str]:
    """A line for each key, at any depth, whose value DVC's run cache ignores.

    After a change of such a value DVC would restore the outputs of the old value.
    """
    if isinstance(value, Mapping):
        for key, entry in value.items():
            at = f"{path}.{key}".lstrip(".")
            if key in DVC_IGNORED_KEYS:
                yield f"{at}: DVC does not notice changes of a key called {key!r}; rename it"
            yield from ignored_by_dvc(entry, at)


def _unknown(path: str, what: str, found: str, known: Collection[str]) -> Iterator[str]:
    if found not in known:
        yield f"{path}: unknown {what} {found!r}{did_you_mean(found, list(map(str, known)))}"


def _twice(path: str, what: str, found: Collection[str]) -> Iterator[str]:
    values = list(found)
    for value in sorted({value for value in values if values.count(value) > 1}):
        yield f"{path}: {what} {value!r} is named twice; name it once"


def _rule(path: str, name: str, policy: str) -> Iterator[str]:
    yield from _unknown(path, "rule", name, RULES)
    if name in AGGREGATE_RULES and policy == "quarantine":
        yield f"{path}: is not about single rows; expected 'error' or 'warn'"


def _task(
    experiment: "Experiment", references: References, path: str, task: "TaskSettings"
) -> Iterator[str]:
    yield from references.check(f"{path}.dataset", "datasets", task.dataset)
    if task.dataset in experiment.datasets:
        kinds = experiment.datasets[task.dataset].field_kinds()
        yield from _unknown(f"{path}.field", "field", task.field, kinds)
        if kinds.get(task.field, task.kind) != task.kind:
            yield (
                f"{path}.kind: found {task.kind!r}, but field {task.field!r} of dataset "
                f"{task.dataset!r} serves kind {kinds[task.field]!r}"
            )
        named = [name for name, kind in kinds.items() if kind == "classification"]
        for index, name in enumerate(task.slices):
            yield from _unknown(f"{path}.slices.{index}", "classification field", name, named)
    yield from _unknown(f"{path}.metric", "metric", task.headline(), METRICS[task.kind])
    yield from _twice(f"{path}.labels", "label", task.labels or ())
    if task.kind == "classification" and task.labels and len(task.labels) < 2:
        yield f"{path}.labels: found one label, expected two or more to choose from"


def _candidate(
    experiment: "Experiment", references: References, path: str, candidate: "Candidate"
) -> Iterator[str]:
    yield from references.check(f"{path}.backbone", "backbones", candidate.backbone)
    yield from _unknown(f"{path}.approach", "approach", candidate.approach, APPROACHES)
    if candidate.approach in APPROACHES:
        yield from _compatibility(experiment, path, candidate)
    for index, task in enumerate(candidate.tasks):
        yield from references.check(f"{path}.tasks.{index}", "tasks", task)
    yield from _twice(f"{path}.tasks", "task", candidate.tasks)


def _compatibility(experiment: "Experiment", path: str, candidate: "Candidate") -> Iterator[str]:
    entry = APPROACHES[candidate.approach]
    yield from _unknown(f"{path}.method", "method", candidate.method, entry.methods)
    backbone = experiment.backbones.get(candidate.backbone)
    kind = backbone.kind if backbone else None
    yield from option_mistakes(entry.options, candidate, kind, f"{path}.options")
    if backbone and backbone.kind not in entry.backbones:
        kinds = " or ".join(map(repr, entry.backbones))
        yield (
            f"{path}.backbone: approach {candidate.approach!r} works with a backbone of kind "
            f"{kinds}, found {candidate.backbone!r} of kind {backbone.kind!r}"
        )


def _service(
    experiment: "Experiment", references: References, path: str, service: "Service"
) -> Iterator[str]:
    for index, task in enumerate(service.tasks):
        yield from references.check(f"{path}.tasks.{index}", "tasks", task)
    yield from _twice(f"{path}.tasks", "task", service.tasks)
    yield from _gates(experiment, f"{path}.gates", service)
    if service.floor is not None:
        yield from _unknown(f"{path}.floor", "plan", service.floor, service.plans)
    for plan, candidates in service.plans.items():
        yield from _plan(experiment, references, f"{path}.plans.{plan}", service, candidates)


def _gates(experiment: "Experiment", path: str, service: "Service") -> Iterator[str]:
    for section in ("tasks", "slices"):
        for task in getattr(service.gates, section):
            at = f"{path}.{section}.{task}"
            yield from _unknown(at, "task of this service", task, service.tasks)
    for task, floors in service.gates.slices.items():
        if task in experiment.tasks:
            known = [*SLICES, *experiment.tasks[task].slices]
            for by in floors:
                at = f"{path}.slices.{task}.{by}"
                yield from _unknown(at, "slice of this task", by, known)
                yield from _answered(experiment, at, service, task, by)


def _answered(
    experiment: "Experiment", path: str, service: "Service", task: str, by: str
) -> Iterator[str]:
    """Rows are sliced by what a candidate does not answer: a gate on the rest can't be judged."""
    dataset = experiment.tasks[task].dataset
    for name in dict.fromkeys(name for names in service.plans.values() for name in names):
        candidate = experiment.candidates.get(name)
        tasks = candidate.tasks if candidate and task in candidate.tasks else ()
        asked = [experiment.tasks[each] for each in tasks if each in experiment.tasks]
        if any((each.dataset, each.field) == (dataset, by) for each in asked):
            yield f"{path}: candidate {name!r} answers {by!r} itself, so it has no such slices"


def _plan(
    experiment: "Experiment",
    references: References,
    path: str,
    service: "Service",
    candidates: tuple[str, ...],
) -> Iterator[str]:
    for index, candidate in enumerate(candidates):
        yield from references.check(f"{path}.{index}", "candidates", candidate)
    yield from _twice(path, "candidate", candidates)
    if not all(_sound(experiment, references, candidate) for candidate in candidates):
        return
    for index, candidate in enumerate(candidates):
        if not set(experiment.candidates[candidate].tasks) & set(service.tasks):
            yield f"{path}.{index}: candidate {candidate!r} answers no task of this service"
    answered = [t for c in set(candidates) for t in set(experiment.candidates[c].tasks)]
    for task in dict.fromkeys(service.tasks):
        if answered.count(task) != 1 and references.has("tasks", task):
            yield (
                f"{path}: {answered.count(task) or 'none'} of its candidates answer(s) task "
                f"{task!r}; expected exactly one"
            )


def _sound(experiment: "Experiment", references: References, candidate: str) -> bool:
    """Whether a candidate and its tasks have no mistakes, so that its plans can be checked."""
    found = experiment.candidates.get(candidate)
    return found is not None and all(references.has("tasks", task) for task in found.tasks)
