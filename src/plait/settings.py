"""Settings that travel with a candidate (light to import: no torch, no readers)."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
WhenUndecided = Literal["keep", "fewer-models"]
"""What becomes of a plan of fewer models where the rows can't decide a task."""


OF_SEVERAL_TASKS = {"temperature", "weights", "joint"}
"""Settings of training and options that say how several tasks go together: nothing for one."""


class Settings(BaseModel):
    """A section of params.yaml: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Lora(Settings):
    """Low-rank adapters: their rank, what their output is scaled by (alpha / rank), dropout."""

    rank: Annotated[int, Field(ge=1)] = 16
    alpha: Annotated[int, Field(ge=1)] = 32
    dropout: Fraction = 0.0


class Training(Settings):
    """How a candidate is trained. A candidate's own `training` overrides field by field."""

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
    lora: Lora = Lora()


class Options(Settings):
    """An approach's own settings, none unless it has a class of its own."""

    def mistakes(self, tasks: Collection[str], kind: str | None) -> Iterator[str]:
        """What contradicts the candidate's tasks or its backbone's kind, where that is known.

        Each is a line `setting: what is wrong`.
        """
        return iter(())


class HeadsOptions(Options):
    """Approach `heads`. A decoder's tokens see those before them, or with `bidirectional` all.

    Its lowest `causal_layers` stay causal even so; half of them is a good choice. `weights` says
    how much each task's loss counts (1 unless said).
    """

    attention: Literal["causal", "bidirectional"] = "causal"
    causal_layers: Annotated[int, Field(ge=0)] = 0
    weights: Mapping[str, Annotated[float, Field(gt=0)]] = {}

    def mistakes(self, tasks: Collection[str], kind: str | None) -> Iterator[str]:
        if self.attention == "bidirectional" and kind == "encoder":
            yield "attention: an encoder's tokens see all others anyway; leave it out"
        if self.causal_layers and self.attention == "causal":
            yield "causal_layers: all layers are causal unless attention is 'bidirectional'"
        for name in self.weights:
            if name not in tasks:
                yield f"weights.{name}: expected a task of the candidate: {', '.join(tasks)}"


class GenerativeOptions(Options):
    """Approach `generative`: `joint` asks for the tasks of a dataset in one answer."""

    joint: bool = True
    decoding: Literal["constrained", "free"] = "constrained"


class PromptOptions(GenerativeOptions):
    """Approach `prompt`: k examples, drawn by the seed or those nearest to the text."""

    shots: Annotated[int, Field(ge=0)] = 0
    examples: Literal["seed", "nearest"] = "seed"
