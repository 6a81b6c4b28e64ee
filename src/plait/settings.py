"""Settings of training and approaches. Imports neither torch nor readers, so it loads fast."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
WhenUndecided = Literal["keep", "fewer-models"]
"""Which plan a service runs if the rows can't decide a task: that of more or of fewer models."""


MULTI_TASK_SETTINGS = {"temperature", "weights", "joint"}
"""Settings and options that combine several tasks: they have no effect on a single task."""


class Settings(BaseModel):
    """A section of params.yaml; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Lora(Settings):
    """Low-rank adapters (LoRA, arXiv 2106.09685); their output is scaled by alpha / rank."""

    rank: Annotated[int, Field(ge=1)] = 16
    alpha: Annotated[int, Field(ge=1)] = 32
    dropout: Fraction = 0.0


class Training(Settings):
    """How candidates are trained; a candidate's `training` overrides single settings."""

    epochs: Annotated[float, Field(gt=0)] = 3.0
    batch_size: Annotated[int, Field(ge=1)] = 32
    learning_rate: Annotated[float, Field(gt=0)] = 2e-4
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup: Fraction = 0.1
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    max_length: Annotated[int, Field(ge=8)] = 128
    gradient_accumulation: Annotated[int, Field(ge=1)] = 1
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    temperature: Annotated[float, Field(ge=1)] = 1.0
    evaluations: Annotated[int, Field(ge=1)] = 4
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 60.0
    threads: Annotated[int, Field(ge=0)] = 0
    dev_rows: Annotated[int, Field(ge=1)] | None = None
    packing: bool = True
    gradient_checkpointing: bool = False
    trackers: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = ()
    lora: Lora = Lora()


class Options(Settings):
    """The options of an approach; this base class has none."""

    def mistakes(self, tasks: Collection[str], kind: str | None) -> Iterator[str]:
        """Contradictions between the options and the candidate, each as `setting: what is wrong`.

        `kind` is the kind of its backbone, or None if params.yaml has no such backbone.
        """
        return iter(())


class HeadsOptions(Options):
    """Options of approach `heads`.

    Attributes:
        attention: whether the tokens of a decoder attend to earlier tokens only or to all.
        causal_layers: the lowest layers that stay causal with `bidirectional`; half of all layers
            is a good value.
        weights: task → weight of its loss (default 1).
        windows: classify a long text by the mean over its windows; tagging always reads all.
    """

    attention: Literal["causal", "bidirectional"] = "causal"
    causal_layers: Annotated[int, Field(ge=0)] = 0
    weights: Mapping[str, Annotated[float, Field(gt=0)]] = {}
    windows: bool = False

    def mistakes(self, tasks: Collection[str], kind: str | None) -> Iterator[str]:
        if self.attention == "bidirectional" and kind == "encoder":
            yield "attention: an encoder's attention is always bidirectional; leave it out"
        if self.causal_layers and self.attention == "causal":
            yield "causal_layers: all layers are causal unless attention is 'bidirectional'"
        for name in self.weights:
            if name not in tasks:
                yield f"weights.{name}: expected a task of the candidate: {', '.join(tasks)}"


class GenerativeOptions(Options):
    """Options of approach `generative`; with `joint` one prompt asks for all tasks of a dataset.

    With `windows` a long text is classified by the mean over its windows; tagging always reads all.
    """

    joint: bool = True
    decoding: Literal["constrained", "free"] = "constrained"
    windows: bool = False


class PromptOptions(GenerativeOptions):
    """Options of approach `prompt`: `shots` examples, drawn by the seed or nearest to the text."""

    shots: Annotated[int, Field(ge=0)] = 0
    examples: Literal["seed", "nearest"] = "seed"
