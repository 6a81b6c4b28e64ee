"""Approaches: how a backbone answers. One module and one line here each."""

from dataclasses import dataclass

from plait.approaches.base import Approach


@dataclass(frozen=True)
class Entry:
    """Where an approach is, and the kinds of backbone and the methods that it can work with."""

    target: str
    backbones: tuple[str, ...]
    methods: tuple[str, ...] = ("full",)


APPROACHES: dict[str, Entry] = {
    "heads": Entry("plait.approaches.heads:Heads", backbones=("encoder",)),
    "linear": Entry("plait.approaches.linear:Linear", backbones=("none",)),
}


def approach(name: str) -> type[Approach]:
    """The approach of that name, imported only now: most commands need no torch."""
    from importlib import import_module

    module, attribute = APPROACHES[name].target.split(":")
    found: type[Approach] = getattr(import_module(module), attribute)
    return found
