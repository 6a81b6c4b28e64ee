"""What a bundle of approach `heads` keeps beside its weights, and the names of its files."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

BACKBONE, WEIGHTS, GRAPH = "backbone", "heads.safetensors", "heads.onnx"
SETTINGS = "heads.json"
THRESHOLDS = "thresholds"
"""How the names of the thresholds begin among the weights; the position of the task follows."""


@dataclass(frozen=True)
class Reading:
    """How a text is read: its vector, its words' vectors, and which tokens a token attends to.

    A text's is the `mean` of its tokens' vectors, or the `last` token's, where that alone has seen
    all others. A word's is that of its first sub-word, in a decoder of its last. `bidirectional`
    lets a decoder's tokens see those after them, too, in all but its lowest `causal_layers`, which
    read as pretrained (Dukić and Šnajder 2024, arXiv 2401.14556).
    """

    decoder: bool = False
    attention: Literal["causal", "bidirectional"] = "causal"
    causal_layers: int = 0

    @property
    def pooling(self) -> Literal["mean", "last"]:
        """How token vectors become the text's vector."""
        return "last" if self.decoder and self.attention == "causal" else "mean"


@dataclass(frozen=True)
class Kept:
    """Settings that decide an answer.

    Attributes:
        max_length: tokens of a text that are read at once, marks included.
        precision: `bf16` or `fp32`: of the training, and of answers that torch computes.
        windows: whether a label follows from all slices of a long text.
    """

    max_length: int
    precision: str
    windows: bool = False
    reading: Reading = field(default_factory=Reading)

    def as_json(self) -> dict[str, Any]:
        reading, value = asdict(self.reading), asdict(self)
        return {**{name: value[name] for name in value if name != "reading"}, **reading}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Kept":
        """The inverse of `as_json`; other keys are left out."""
        reading = Reading(**{name: value[name] for name in asdict(Reading())})
        return cls(value["max_length"], value["precision"], value["windows"], reading)
