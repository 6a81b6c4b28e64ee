"""Approaches: how a backbone answers. One module and one line here each."""

from plait.approaches.base import Approach

APPROACHES: dict[str, str] = {
    "heads": "plait.approaches.heads:Heads",
    "linear": "plait.approaches.linear:Linear",
}


def approach(name: str) -> type[Approach]:
    """The approach of that name, imported only now: most commands need no torch."""
    from importlib import import_module

    module, attribute = APPROACHES[name].split(":")
    found: type[Approach] = getattr(import_module(module), attribute)
    return found
