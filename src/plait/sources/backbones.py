"""Backbones: pretrained weights, their tokenizer and their pin."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from plait.sources import Hub, Source, Wheel
from plait.sources.base import InsidePath


class Backbone(BaseModel):
    """A backbone's entry in params.yaml: exactly one of `wheel` and `hub`, or none of them.

    A backbone of kind `none` has no weights; one of kind `endpoint` is a chat server's `model`.
    `gguf` names the source's file that is turned into safetensors and a tokenizer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["encoder", "decoder", "endpoint", "none"]
    wheel: Wheel | None = None
    hub: Hub | None = None
    gguf: InsidePath | None = None
    model: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Backbone":
        given = [source for source in (self.wheel, self.hub) if source]
        if len(given) != (1 if self.kind in ("encoder", "decoder") else 0):
            raise ValueError(
                f"a backbone of kind {self.kind!r} has {len(given)} sources; expected exactly one "
                "of `wheel`, `hub` (none for the kinds 'endpoint' and 'none')"
            )
        if (self.model is None) == (self.kind == "endpoint"):
            raise ValueError(
                "`model` is the name of an endpoint's model: give it there, only there"
            )
        return self

    def sources(self) -> list[Source]:
        """What `fetch` brings into this backbone's folder."""
        return [source for source in (self.wheel, self.hub) if source]
