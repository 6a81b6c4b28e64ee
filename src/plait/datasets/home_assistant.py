"""Voice-assistant intents and slots, sampled from Home Assistant's sentence templates.

Split by template: two splits share no sentence template and no skeleton (a text without its slots'
values).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from plait.datasets.base import Reader
from plait.datasets.text_files import json_file, open_raw
from plait.settings import Settings
from plait.sources import Source, Wheel
from plait.tasks import SPLITS, Label, Row, Split, TaskKind

_FILE = "en.json"
Count = Annotated[int, Field(ge=0)]


class Sizes(Settings):
    """Rows per split; fewer if the templates have fewer distinct texts."""

    train: Count = 3000
    dev: Count = 500
    heldout: Count = 1500


class HomeAssistant(Reader):
    """Home Assistant's English intents."""

    reader: Literal["home_assistant"] = "home_assistant"
    rows: Sizes = Sizes()
    fields: ClassVar[Mapping[str, TaskKind]] = {"intent": "classification", "slots": "tagging"}

    def sources(self) -> list[Source]:
        return [
            Wheel(
                package="home-assistant-intents",
                version="2026.10.27",
                sha256="256eb1e4fc6e6f4943d0ba4e089c9639d74d0e9d62ccddeb7148bc168de55e40",
                bytes=775_094,
                files={_FILE: f"home_assistant_intents/data/{_FILE}"},
            )
        ]

    def read(self, folder: Path, seed: int) -> Iterator[tuple[Split, Row]]:
        # Imported here, because only this reader needs hassil.
        from plait.datasets.home_grammar import Grammar
        from plait.datasets.home_sampling import Sampler

        sizes = {split: getattr(self.rows, split) for split in SPLITS}
        sampler = Sampler(Grammar(json_file(open_raw(folder, _FILE))), seed)
        for split, intent, samples in sampler.samples(sizes):
            for number, sample in enumerate(samples):
                labels: dict[str, Label] = {"intent": intent, "slots": sample.slots}
                yield split, Row(f"{split}-{intent}-{number:04d}", sample.text, labels)
