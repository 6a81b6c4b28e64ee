"""The approaches: each has a folder here and one line below.

An approach's folder exports it as `APPROACH`; `plait.approaches.loading` finds it by name.
"""

from dataclasses import dataclass

from plait.settings import GenerativeOptions, HeadsOptions, Options, PromptOptions


@dataclass(frozen=True)
class Entry:
    """The kinds of backbone and the methods that an approach can work with, and its options."""

    backbones: tuple[str, ...]
    methods: tuple[str, ...] = ("full",)
    options: type[Options] = Options


APPROACHES: dict[str, Entry] = {
    "generative": Entry(("decoder",), ("full", "lora"), GenerativeOptions),
    "heads": Entry(("encoder", "decoder"), ("full", "lora"), HeadsOptions),
    "linear": Entry(("none",)),
    "prompt": Entry(("decoder", "endpoint"), options=PromptOptions),
}
