"""Rows of a Parquet file, and the names of classes that Hugging Face's `datasets` writes to it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plait.datasets.table_files import Records
from plait.errors import PlaitError

_MAGIC = b"PAR1"


def is_parquet(path: Path) -> bool:
    """Whether the file begins as Parquet does."""
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def records(path: Path) -> Records:
    """Number (from 1) and columns of each row.

    Raises:
        PlaitError: the file is damaged.
    """
    with _opened(path) as file:
        batches = (batch.to_pylist() for batch in file.iter_batches())
        yield from enumerate((row for rows in batches for row in rows), 1)


def classes(path: Path) -> dict[str, tuple[str, ...]]:
    """Column → the names of its classes, as the features of the data set have them."""
    with _opened(path) as file:
        found = (file.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
    features = json.loads(found).get("info", {}).get("features", {})
    named = {name: _names(feature) for name, feature in features.items()}
    return {name: tuple(names) for name, names in named.items() if names}


def _names(feature: Any) -> list[str] | None:
    """The names of a class label, or of the class labels in a list."""
    if isinstance(feature, list):  # how older releases write a list of a feature
        return _names(feature[0]) if feature else None
    if not isinstance(feature, Mapping):
        return None
    names = feature.get("names")
    return names if isinstance(names, list) else _names(feature.get("feature"))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except (pyarrow.ArrowException, OSError) as error:
        first = str(error).splitlines()[0]
        raise PlaitError(f"{path}: not readable as Parquet ({first}). Write it again.") from error
