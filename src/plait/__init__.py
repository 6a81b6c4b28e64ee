"""plait: one fine-tuned model or several, an encoder or an LLM, and proof of it.

>>> import plait
>>> reply, = plait.load("assistant").predict(["turn on the kitchen lights"])
>>> reply.answers["intent"].label
'HassTurnOn'

`docs/python.md` has the rest. What a name needs is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plait.errors import PlaitError
    from plait.serving.predicting import Predictor, load
    from plait.serving.service import Reply
    from plait.tasks import LabelPrediction, Prediction, SetPrediction, Span, Task

__all__ = [
    "LabelPrediction",
    "PlaitError",
    "Prediction",
    "Predictor",
    "Reply",
    "SetPrediction",
    "Span",
    "Task",
    "load",
]

_HOMES = {
    "PlaitError": "plait.errors",
    "Predictor": "plait.serving.predicting",
    "Reply": "plait.serving.service",
    "load": "plait.serving.predicting",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'plait' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "plait.tasks")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
