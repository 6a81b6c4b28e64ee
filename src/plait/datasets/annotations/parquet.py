"""Rows of a Parquet file as it has them, and the names of classes that `datasets` writes to it."""

from plait.datasets.formats.opening import RawFile, open_bytes
from plait.datasets.formats.parquet import class_names, parquet_rows
from plait.datasets.table_files import Records

_MAGIC = b"PAR1"


def is_parquet(file: RawFile) -> bool:
    """Whether the file begins as Parquet does."""
    with open_bytes(file) as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def records(file: RawFile) -> Records:
    """Number (from 1) and columns of each row; classes stay numbers.

    Raises:
        PlaitError: the file is damaged.
    """
    return parquet_rows(file, named=False)


def classes(file: RawFile) -> dict[str, tuple[str, ...]]:
    """Column → the names of its classes, as the features of the data set have them."""
    return class_names(file)
