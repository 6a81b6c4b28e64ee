"""Backbones: pretrained weights, their tokenizer and their pin."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from plait.sources import Hub, Source, Wheel


class Backbone(BaseModel):
    """A backbone's entry in params.yaml: exactly one of `wheel` and `hub`, or none (kind none)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["encoder", "decoder", "none"]
    wheel: Wheel | None = None
    hub: Hub | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Backbone":
        given = [source for source in (self.wheel, self.hub) if source]
        if len(given) != (0 if self.kind == "none" else 1):
            raise ValueError(
                f"a backbone of kind {self.kind!r} has {len(given)} sources; "
                "expected exactly one of `wheel`, `hub` (none for kind 'none')"
            )
        return self

    def sources(self) -> list[Source]:
        """What `fetch` brings into this backbone's folder."""
        return [source for source in (self.wheel, self.hub) if source]
