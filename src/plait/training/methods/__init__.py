"""Methods: which weights of a pretrained model are trained. A module each, named as in params.yaml.

A module has `adapt(model, settings)`: it makes the model's parameters trainable or not, in place,
and returns what is to be called when training has ended, so that the model is a plain one again.
"""

from collections.abc import Callable
from importlib import import_module

from transformers import PreTrainedModel

from plait.settings import Training

Finish = Callable[[], None]


def adapt(method: str, model: PreTrainedModel, settings: Training) -> Finish:
    """Make a model ready to be trained by a method."""
    if settings.gradient_checkpointing:
        renamed = getattr(model, "activation_checkpointing_enable", None)  # not in 5.17
        (renamed or model.gradient_checkpointing_enable)({"use_reentrant": False})
    found: Finish = import_module(f"plait.training.methods.{method}").adapt(model, settings)
    return found
