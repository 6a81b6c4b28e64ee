"""The approaches there are: one folder here and one line below each.

An approach's folder exports it as `APPROACH`; `plait.approaches.loading` finds it by name.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """The kinds of backbone and the methods that an approach can work with."""

    backbones: tuple[str, ...]
    methods: tuple[str, ...] = ("full",)


APPROACHES: dict[str, Entry] = {
    "heads": Entry(backbones=("encoder",)),
    "linear": Entry(backbones=("none",)),
}
