"""What params.yaml may say: each section and setting, with its type and its default."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator

from plait.datasets.base import Reader
from plait.datasets.registry import READERS
from plait.errors import did_you_mean
from plait.experiment.policy import RULES, Policy
from plait.settings import Fraction, Settings, Training, WhenUndecided
from plait.sources.backbones import Backbone
from plait.tasks import METRICS, Task, TaskKind

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._+-]*$", max_length=80)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]


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
    """One task. `labels` closes the set by hand; otherwise the training rows do.

    `prompt` is the instruction to decoders, in place of the ordinary one. `slices` names further
    fields of the dataset: held-out scores are also given for each of their values.
    """

    dataset: str
    kind: TaskKind
    field: str
    labels: Names | None = None
    metric: str | None = None
    prompt: Annotated[str, Field(min_length=1)] | None = None
    slices: Names = ()

    def headline(self) -> str:
        """The metric that gates and plans are judged by."""
        return self.metric or METRICS[self.kind][0]


class Candidate(Settings):
    """backbone × approach × method × tasks. One task is a mixture of one.

    `training` overrides the experiment's own settings of training, one by one; `options` are the
    approach's own.
    """

    backbone: str
    approach: str
    method: str = "full"
    tasks: Names
    training: Overrides = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)
    seed: int | None = None


class Service(Settings):
    """Tasks that are answered together, and the plans that contend for it.

    `plans` maps a plan's name to its candidates; `floor` names the plan that a fine-tuned one must
    beat; `gates` maps a task to the least value of its headline metric; `margin` (0–1) is the
    loss per task that the held-out rows must exclude for a plan of fewer models to be preferred.
    `undecided` says what holds where they can't decide a task and none is inferior: `keep` the plan
    of more models, or take the one of `fewer-models`.
    """

    tasks: Names
    plans: Annotated[dict[Name, Names], Field(min_length=1)]
    floor: str | None = None
    gates: dict[str, Fraction] = Field(default_factory=dict)
    margin: Fraction = 0.01
    undecided: WhenUndecided = "keep"


class Validation(Settings):
    """Limits of the data checks, and what happens when a rule does not hold.

    Shares are of rows; drifts are shares of rows that would have to change (beyond what chance
    does). `near_duplicate` is the least Jaccard similarity of two texts' word 2-shingles;
    texts of fewer than `short_words` words are compared without case and punctuation only.
    `rules` sets the policy of single rules (`plait.experiment.policy`).
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
        """What happens when a rule does not hold."""
        return self.rules.get(rule, RULES[rule])


class Experiment(Settings):
    """Everything that params.yaml says. DVC needs every section to be there, be it empty."""

    seed: int
    datasets: dict[Name, AnyReader]
    tasks: dict[Name, TaskSettings]
    backbones: dict[Name, Backbone]
    training: Training
    candidates: dict[Name, Candidate]
    services: dict[Name, Service]
    validation: Validation

    def asked(self) -> list[Task]:
        """The tasks; those whose labels params.yaml does not close have none yet."""
        return [
            Task(name, task.dataset, task.kind, task.field, task.labels or (), task.headline())
            for name, task in self.tasks.items()
        ]

    def mixture_datasets(self) -> list[list[str]]:
        """The datasets of each candidate that trains on more than one."""
        found = {
            tuple(sorted({self.tasks[task].dataset for task in candidate.tasks}))
            for candidate in self.candidates.values()
        }
        return [list(names) for names in sorted(found) if len(names) > 1]

    def training_of(self, candidate: str) -> Training:
        """The training settings of a candidate, defaults overridden by its own."""
        own = self.candidates[candidate].training
        return Training.model_validate({**self.training.model_dump(), **own})
