"""The base class of readers: settings in params.yaml, sources, and rows."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from plait.datasets.splits import rank
from plait.sources import Source
from plait.tasks import Row, Split, TaskKind


class Reader(BaseModel, ABC):
    """A dataset's entry in params.yaml: the fields of the subclass are its settings.

    `limit` maps a split to the size of a random sample of it, for quick experiments.

    A reader is deterministic: the same raw bytes, settings and seed give the same rows in the same
    order on every machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: str
    limit: Mapping[Split, Annotated[int, Field(ge=1)]] = {}
    fields: ClassVar[Mapping[str, TaskKind]]

    def limited(self, folder: Path, seed: int) -> Iterator[tuple[Split, Row]]:
        """The rows, sampled according to `limit`."""
        if not self.limit:
            return self.read(folder, seed)
        ranks: dict[Split, list[str]] = {split: [] for split in self.limit}
        for split, row in self.read(folder, seed):
            if split in ranks:
                ranks[split].append(rank(seed, "limit", row.id))
        kept = {split: frozenset(sorted(ranks[split])[:n]) for split, n in self.limit.items()}
        return (
            (split, row)
            for split, row in self.read(folder, seed)
            if split not in kept or rank(seed, "limit", row.id) in kept[split]
        )

    def field_kinds(self) -> Mapping[str, TaskKind]:
        """The fields of the rows, and the kind of task that each serves."""
        return self.fields

    @abstractmethod
    def sources(self) -> list[Source]:
        """The sources that `fetch` brings into this dataset's raw folder."""

    @abstractmethod
    def read(self, folder: Path, seed: int) -> Iterator[tuple[Split, Row]]:
        """Yield the split and content of each row of the raw folder.

        Raises:
            PlaitError: a raw file is missing or malformed; names file and line.
        """
