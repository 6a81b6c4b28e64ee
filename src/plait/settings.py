"""Settings that travel with a candidate (light to import: no torch, no readers)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """A section of params.yaml: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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
