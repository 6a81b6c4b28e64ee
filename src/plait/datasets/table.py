"""Any CSV or JSONL file, by a mapping of its columns in params.yaml: no code."""

from typing import Annotated, Literal

from pydantic import Field

from plait.datasets.base import Reader
from plait.settings import Settings
from plait.sources.base import Sha256

Fields = dict[str, str]
Split_ = Literal["train", "dev", "heldout"]


class File(Settings):
    """A file of rows. `split` is the split of all its rows."""

    path: str
    sha256: Sha256 | None = None
    split: Split_ | None = None


class Fractions(Settings):
    """Shares of rows set aside, drawn by each row's id."""

    dev: Annotated[float, Field(ge=0, lt=1)] = 0.1
    heldout: Annotated[float, Field(gt=0, lt=1)] = 0.2


class Table(Reader):
    """Rows of CSV (with a header line) or JSONL files."""

    reader: Literal["table"] = "table"
    files: Annotated[tuple[File, ...], Field(min_length=1)]
