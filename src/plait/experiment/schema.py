"""The sections and settings of params.yaml, with types and defaults."""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    field_validator,
)

from plait.datasets.base import Reader
from plait.datasets.registry import READERS
from plait.errors import did_you_mean
from plait.experiment.policy import RULES, Policy
from plait.settings import Fraction, Settings, Training, WhenUndecided
from plait.sources.backbones import Backbone
from plait.tasks import METRICS, Task, TaskKind

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._+-]*$", max_length=80)]
Package = Annotated[str, AfterValidator(lambda value: _package(value))]
Names = Annotated[tuple[str, ...], Field(min_length=1)]


def _package(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", value):
        raise ValueError(f"found {value!r}, expected the name of a package, such as torch")
    return value


def _reader(value: Any) -> Reader:
    if isinstance(value, Reader):
        return value
    name = value.get("reader") if isinstance(value, Mapping) else value
    if not isinstance(name, str) or name not in READERS:
        raise ValueError(f"found reader {name!r}{did_you_mean(str(name), list(READERS))}")
    return READERS[name].model_validate(value)


def _overrides(value: dict[str, Any]) -> dict[str, Any]:
    return Training.model_validate(value).model_dump(exclude_unset=True)


AnyReader = Annotated[Reader, PlainValidator(_reader), PlainSerializer(lambda r: r.model_dump())]
Overrides = Annotated[dict[str, Any], AfterValidator(_overrides)]


class TaskSettings(Settings):
    """One task.

    Attributes:
        labels: the label set; without it, the labels of the training rows.
        metric: the headline metric; without it, the first one of the task's kind.
        prompt: the instruction to decoders; without it, the default instruction.
        slices: fields of the dataset; held-out scores are also given for each of their values.
    """

    dataset: str
    kind: TaskKind
    field: str
    labels: Names | None = None
    metric: str | None = None
    prompt: Annotated[str, Field(min_length=1)] | None = None
    slices: Names = ()

    def headline(self) -> str:
        """The headline metric: gates and verdicts use it."""
        return self.metric or METRICS[self.kind][0]


class Candidate(Settings):
    """A model to train and score: backbone, approach, method and tasks.

    Attributes:
        training: overrides single settings of the experiment's `training`.
        options: the options of the approach.
        seed: overrides the experiment's seed.
    """

    backbone: str
    approach: str
    method: str = "full"
    tasks: Names
    training: Overrides = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)
    seed: int | None = None


Floors = dict[str, Fraction]
Positive = Annotated[float, Field(gt=0)]


class Gates(Settings):
    """What every plan of a service must meet (`plait.plans.gates`); nothing unless said.

    Attributes:
        tasks: task → least value of its headline metric.
        slices: task → what its rows are sliced by → least headline metric of every slice that has
            `slice_rows` labelled rows or more.
        calibration: largest expected calibration error (0–1) of a task.
        behaviour: least pass rate (0–1) of each behavioural test of a task.
        latency_p95_ms: longest p95 of a request; judged by the promotion only, as is the next.
        memory_mb: most peak memory of a plan's models together, a process each (10⁶ bytes).
    """

    tasks: Floors = Field(default_factory=dict)
    slices: dict[str, Floors] = Field(default_factory=dict)
    slice_rows: Annotated[int, Field(ge=1)] = 30
    calibration: Fraction | None = None
    behaviour: Fraction | None = None
    latency_p95_ms: Positive | None = None
    memory_mb: Positive | None = None


class Service(Settings):
    """Tasks that are served together, and the plans that compete to serve them.

    Attributes:
        plans: plan → its candidates.
        floor: the baseline plan, which the winner must beat.
        gates: what every plan must meet.
        margin: non-inferiority margin per task (0–1): a plan of fewer models wins, and a winner
            replaces a champion, only if the held-out rows exclude a larger loss.
        undecided: which plan wins if they can't decide a task and none is inferior: `keep` the plan
            of more models, or `fewer-models`.
        looks: how many winners may be compared with a champion on the same held-out rows; a fixed
            share of 5 % false promotions for each.
        cheaper: how many times the parameters of a plan the champion must have, to be replaced by
            that plan at equal quality.
    """

    tasks: Names
    plans: Annotated[dict[Name, Names], Field(min_length=1)]
    floor: str | None = None
    gates: Gates = Gates()
    margin: Fraction = 0.01
    undecided: WhenUndecided = "keep"
    looks: Annotated[int, Field(ge=1)] = 50
    cheaper: Annotated[float, Field(gt=1)] = 1.5

    @field_validator("gates", mode="before")
    @classmethod
    def _floors_stand_in_tasks(cls, value: Any, info: ValidationInfo) -> Any:
        found = value if isinstance(value, Mapping) else {}
        floors = {task: found[task] for task in info.data.get("tasks", ()) if task in found}
        if floors:
            inner = ", ".join(f"{task}: {floor}" for task, floor in floors.items())
            raise ValueError(
                f"found {', '.join(floors)}, expected sections such as tasks and slices: floors of "
                f"tasks stand in `tasks`. Write `gates: {{tasks: {{{inner}}}}}`"
            )
        return value


class Validation(Settings):
    """Limits of the data checks, and the policies of rules.

    Attributes:
        max_*_share: shares of rows (0–1).
        max_*_drift: total variation distances (0–1) beyond chance (`plait.validation.drift`).
        near_duplicate: least Jaccard similarity of the word 2-shingles of two similar texts.
        short_words: texts with fewer words are similar only if their words are the same.
        rules: rule → policy, instead of the default (`plait.experiment.policy`).
    """

    max_characters: Annotated[int, Field(ge=1)] = 1_000_000
    max_duplicate_share: Fraction = 0.10
    max_leaked_share: Fraction = 0.10
    max_unseen_share: Fraction = 0.05
    max_label_share: Fraction = 0.9
    max_label_drift: Fraction = 0.1
    max_length_drift: Fraction = 0.2
    near_duplicate: Annotated[float, Field(gt=0, le=1)] = 0.4
    short_words: Annotated[int, Field(ge=2)] = 20
    rules: dict[str, Policy] = Field(default_factory=dict)

    def policy(self, rule: str) -> Policy:
        """The policy of a rule."""
        return self.rules.get(rule, RULES[rule])


class Experiment(Settings):
    """All of params.yaml. DVC needs every section, even an empty one.

    Attributes:
        name: a champion belongs to the experiment of this name; in experiments/ it is the file's.
        environment: packages such as torch; a training that imports one of them runs again when
            its version (major.minor) changes. Empty: versions of packages change nothing.
    """

    name: Name = "params"
    seed: int
    environment: tuple[Package, ...] = ()
    datasets: dict[Name, AnyReader]
    tasks: dict[Name, TaskSettings]
    backbones: dict[Name, Backbone]
    training: Training
    candidates: dict[Name, Candidate]
    services: dict[Name, Service]
    validation: Validation

    def declared_tasks(self) -> list[Task]:
        """The tasks; `labels` is empty for a task whose label set params.yaml does not declare."""
        return [
            Task(name, task.dataset, task.kind, task.field, task.labels or (), task.headline())
            for name, task in self.tasks.items()
        ]

    def candidate_datasets(self) -> dict[str, list[str]]:
        """Candidate → the datasets of its tasks, sorted."""
        return {
            name: sorted({self.tasks[task].dataset for task in candidate.tasks})
            for name, candidate in self.candidates.items()
        }

    def without(self, candidates: Collection[str]) -> "Experiment":
        """The experiment without these candidates and all plans that use one of them."""
        left = {name: each for name, each in self.candidates.items() if name not in candidates}
        services = {
            name: service.model_copy(
                update={
                    "plans": {
                        plan: used
                        for plan, used in service.plans.items()
                        if not set(used).intersection(candidates)
                    }
                }
            )
            for name, service in self.services.items()
        }
        return self.model_copy(update={"candidates": left, "services": services})

    def mixture_datasets(self) -> list[list[str]]:
        """The datasets of each mixture of several datasets, sorted."""
        found = {tuple(names) for names in self.candidate_datasets().values()}
        return [list(names) for names in sorted(found) if len(names) > 1]

    def training_of(self, candidate: str) -> Training:
        """The training settings of a candidate: the experiment's, overridden by its own."""
        own = self.candidates[candidate].training
        return Training.model_validate({**self.training.model_dump(), **own})
