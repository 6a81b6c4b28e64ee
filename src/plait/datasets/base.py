"""What every reader is: its settings in params.yaml, what it fetches, and how it reads."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from plait.sources import Source
from plait.tasks import Kind, Row, Split


class Reader(BaseModel, ABC):
    """A dataset's entry in params.yaml: the fields of the subclass are its settings.

    A reader is deterministic: the same raw bytes, settings and seed give the same rows in the same
    order on every machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: str
    fields: ClassVar[Mapping[str, Kind]]

    def field_kinds(self) -> Mapping[str, Kind]:
        """The fields that its rows carry, and the kind of task that each serves."""
        return self.fields

    @abstractmethod
    def sources(self) -> list[Source]:
        """What `fetch` brings into this dataset's raw folder."""

    @abstractmethod
    def read(self, folder: Path, seed: int) -> Iterator[tuple[Split, Row]]:
        """Read the raw folder.

        Raises:
            PlaitError: a raw file is missing or malformed; names file and line.
        """
