"""Backbones: pretrained weights, their tokenizer and their pin."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from plait.sources import Hub, Source, Wheel
from plait.sources.base import InsidePath


class Backbone(BaseModel):
    """A backbone's entry in params.yaml.

    Kinds `encoder` and `decoder` need exactly one source, `wheel` or `hub`. Kind `endpoint` is the
    `model` of a chat server; kind `none` has no weights. `gguf` names a file of the source that is
    converted to safetensors and a tokenizer.
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
                "`model` names the model of an endpoint: set it for kind 'endpoint' and no other"
            )
        return self

    def sources(self) -> list[Source]:
        """The sources that `fetch` brings into this backbone's folder."""
        return [source for source in (self.wheel, self.hub) if source]
