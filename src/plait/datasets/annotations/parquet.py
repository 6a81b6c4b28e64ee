"""Rows of a Parquet file as it has them, and the names of classes that `datasets` writes to it."""

from pathlib import Path

from plait.datasets.formats.opening import RawFile, open_bytes
from plait.datasets.formats.parquet import class_names, parquet_rows
from plait.datasets.table_files import Records

_MAGIC = b"PAR1"


def is_parquet(path: Path) -> bool:
    """Whether the file begins as Parquet does."""
    with open_bytes(RawFile(path, path)) as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def records(path: Path) -> Records:
    """Number (from 1) and columns of each row; classes stay numbers.

    Raises:
        PlaitError: the file is damaged.
    """
    return parquet_rows(RawFile(path, path), named=False)


def classes(path: Path) -> dict[str, tuple[str, ...]]:
    """Column → the names of its classes, as the features of the data set have them."""
    return class_names(RawFile(path, path))
