"""Find an approach by name, importing it only then: most commands need no torch.

It does not ask the registry: a new line there must not make DVC train every candidate again.
"""

from importlib import import_module

from plait.approaches.base import Approach


def approach(name: str) -> type[Approach]:
    """The approach in the folder of that name."""
    found: type[Approach] = import_module(f"plait.approaches.{name}").APPROACH
    return found
