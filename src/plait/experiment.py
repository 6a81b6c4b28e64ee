"""params.yaml → a typed, checked Experiment. Every mistake is reported at once, with its path."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, Field, PlainSerializer, PlainValidator, ValidationError

from plait.backbones import Backbone
from plait.datasets import READERS
from plait.datasets.base import Reader
from plait.errors import PlaitError, did_you_mean
from plait.settings import Fraction, Settings, Training
from plait.tasks import METRICS, Kind

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._+-]*$", max_length=80)]


class TaskSettings(Settings):
    """One task. `labels` closes the set by hand; otherwise the training rows do."""

    dataset: str
    kind: Kind
    field: str
    labels: tuple[str, ...] | None = None
    metric: str | None = None

    def headline(self) -> str:
        return self.metric or METRICS[self.kind][0]


class Candidate(Settings):
    """backbone × approach × method × tasks. One task is a mixture of one."""

    backbone: str
    approach: str
    method: str = "full"
    tasks: Annotated[tuple[str, ...], Field(min_length=1)]
    training: dict[str, Any] = {}
    seed: int | None = None


class Service(Settings):
    """Tasks that are answered together, and the plans that contend for it.

    `plans` maps a plan's name to its candidates; `floor` names the plan that a fine-tuned one must
    beat; `gates` maps a task to the least value of its headline metric; `margin` (0–1) is how much
    a plan of fewer models may lose per task and still be preferred.
    """

    tasks: Annotated[tuple[str, ...], Field(min_length=1)]
    plans: Annotated[dict[str, tuple[str, ...]], Field(min_length=1)]
    floor: str | None = None
    gates: dict[str, Fraction] = {}
    margin: Fraction = 0.01


class Validation(Settings):
    """Limits of the data checks (characters, shares of rows)."""

    max_characters: Annotated[int, Field(ge=1)] = 1_000_000
    max_duplicate_share: Fraction = 0.10
    max_leaked_share: Fraction = 0.10
    max_unseen_share: Fraction = 0.05


def _reader(value: Any) -> Reader:
    if isinstance(value, Reader):
        return value
    name = value.get("reader") if isinstance(value, Mapping) else None
    if name not in READERS:
        raise ValueError(f"reader is {name!r}{did_you_mean(str(name), list(READERS))}")
    return READERS[name].model_validate(value)


class Experiment(Settings):
    """Everything that params.yaml says."""

    seed: int = 0
    datasets: dict[
        Name, Annotated[Reader, PlainValidator(_reader), PlainSerializer(lambda r: r.model_dump())]
    ]
    tasks: dict[Name, TaskSettings]
    backbones: dict[Name, Backbone]
    training: Training = Training()
    candidates: dict[Name, Candidate]
    services: dict[Name, Service]
    validation: Validation = Validation()

    def training_of(self, candidate: str) -> Training:
        """The training settings of a candidate, defaults overridden by its own."""
        own = self.candidates[candidate].training
        return Training.model_validate({**self.training.model_dump(), **own})


def load(path: Path = Path("params.yaml")) -> Experiment:
    """Read and check an experiment.

    Raises:
        PlaitError: the file is missing, is no YAML, or has mistakes (all of them listed).
    """
    if not path.exists():
        raise PlaitError(f"{path}: no such file. Write one with `plait configure default`.")
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PlaitError(f"{path}: not readable as YAML: {error}") from error
    return check(value, str(path))


def check(value: Any, origin: str) -> Experiment:
    """Check a parsed params.yaml; `origin` stands in the error message."""
    try:
        experiment = Experiment.model_validate(value)
        mistakes = list(_mistakes(experiment))
    except ValidationError as error:
        mistakes = [_readable(detail) for detail in error.errors()]
    if mistakes:
        lines = "\n".join(f"  {mistake}" for mistake in mistakes)
        raise PlaitError(f"{origin}: {len(mistakes)} mistake(s)\n{lines}")
    return experiment


def _readable(detail: Any) -> str:
    path = ".".join(str(part) for part in detail["loc"]) or "top level"
    if detail["type"] == "extra_forbidden":
        return f"{path}: unknown setting{did_you_mean(str(detail['loc'][-1]), _settings(detail))}"
    found = f" (found {detail['input']!r})" if not isinstance(detail["input"], dict) else ""
    return f"{path}: {detail['msg']}{found}"


def _settings(detail: Any) -> list[str]:
    """The settings that are known where an unknown one was found."""
    sections: dict[str, type[BaseModel]] = {
        "tasks": TaskSettings,
        "training": Training,
        "candidates": Candidate,
        "services": Service,
        "validation": Validation,
        "backbones": Backbone,
    }
    loc = detail["loc"]
    model = sections.get(str(loc[0]), Experiment) if len(loc) > 1 else Experiment
    return list(model.model_fields)


def _mistakes(experiment: Experiment) -> Iterator[str]:
    yield from _task_mistakes(experiment)
    yield from _candidate_mistakes(experiment)
    yield from _service_mistakes(experiment)


def _unknown(path: str, what: str, found: str, known: Mapping[str, Any]) -> Iterator[str]:
    if found not in known:
        yield f"{path}: unknown {what} {found!r}{did_you_mean(found, list(known))}"


def _task_mistakes(experiment: Experiment) -> Iterator[str]:
    for name, task in experiment.tasks.items():
        path = f"tasks.{name}"
        yield from _unknown(f"{path}.dataset", "dataset", task.dataset, experiment.datasets)
        if task.dataset in experiment.datasets:
            kinds = experiment.datasets[task.dataset].field_kinds()
            yield from _unknown(f"{path}.field", "field", task.field, kinds)
            if kinds.get(task.field, task.kind) != task.kind:
                yield f"{path}.kind: {task.kind!r}, but the field is {kinds[task.field]!r}"
        if task.headline() not in METRICS[task.kind]:
            yield f"{path}.metric: {task.metric!r} is not one of {', '.join(METRICS[task.kind])}"


def _candidate_mistakes(experiment: Experiment) -> Iterator[str]:
    from plait.approaches import APPROACHES

    for name, candidate in experiment.candidates.items():
        path = f"candidates.{name}"
        yield from _unknown(
            f"{path}.backbone", "backbone", candidate.backbone, experiment.backbones
        )
        yield from _unknown(f"{path}.approach", "approach", candidate.approach, APPROACHES)
        for index, task in enumerate(candidate.tasks):
            yield from _unknown(f"{path}.tasks.{index}", "task", task, experiment.tasks)
        if len(set(candidate.tasks)) < len(candidate.tasks):
            yield f"{path}.tasks: a task is named twice"
        try:
            experiment.training_of(name)
        except ValidationError as error:
            for detail in error.errors():
                loc = ("training", *detail["loc"])
                yield f"{path}." + _readable({**detail, "loc": loc})


def _service_mistakes(experiment: Experiment) -> Iterator[str]:
    for name, service in experiment.services.items():
        path = f"services.{name}"
        for index, task in enumerate(service.tasks):
            yield from _unknown(f"{path}.tasks.{index}", "task", task, experiment.tasks)
        for task in service.gates:
            yield from _unknown(f"{path}.gates", "task", task, dict.fromkeys(service.tasks))
        if service.floor is not None:
            yield from _unknown(f"{path}.floor", "plan", service.floor, service.plans)
        for plan, candidates in service.plans.items():
            yield from _plan_mistakes(experiment, f"{path}.plans.{plan}", service, candidates)


def _plan_mistakes(
    experiment: Experiment, path: str, service: Service, candidates: tuple[str, ...]
) -> Iterator[str]:
    answered: list[str] = []
    for index, candidate in enumerate(candidates):
        yield from _unknown(f"{path}.{index}", "candidate", candidate, experiment.candidates)
        if candidate in experiment.candidates:
            answered += experiment.candidates[candidate].tasks
    for task in service.tasks:
        count = answered.count(task)
        if count != 1 and all(c in experiment.candidates for c in candidates):
            yield f"{path}: answers task {task!r} {count} times; each task is answered once"
