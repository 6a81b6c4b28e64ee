"""Rows of Parquet files, a batch at a time; classes of the Hub's data sets become their names."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from plait.datasets.formats.columns import check_names
from plait.datasets.formats.opening import RawFile, Records, open_seekable
from plait.errors import PlaitError

Convert = Callable[[Any], Any]
_ROWS = 1024
_BUFFER = 1 << 20


def parquet_rows(file: RawFile, named: bool = True) -> Records:
    """Number (from 1) and columns of each row.

    Only the wanted columns are read, if any are. If `named`, integers of a `ClassLabel` in the
    metadata that the `datasets` library writes become the names of their classes, -1 (no class)
    becomes null.

    Raises:
        PlaitError: the file is no Parquet, damaged or cut off, or a wanted column is missing.
    """
    with opened(file) as found:
        schema = found.schema_arrow
        check_names(file, str(file.shown), schema.names)
        converters = _converters(_features(schema)) if named else {}
        columns = [name for name in schema.names if not file.wanted or name in _tops(file, schema)]
        number = 0
        for batch in found.iter_batches(_ROWS, columns=columns):
            for row in batch.to_pylist():
                number += 1
                for name in converters.keys() & row.keys():
                    row[name] = converters[name](row[name])
                yield number, row
        if number != found.metadata.num_rows:
            raise _unreadable(file, f"{found.metadata.num_rows} rows expected, {number} found")


def class_names(file: RawFile) -> dict[str, tuple[str, ...]]:
    """Column → the names of its classes in the metadata, also of classes in lists.

    Raises:
        PlaitError: the file is no Parquet, or damaged.
    """
    with opened(file) as found:
        named = {name: _classes(each) for name, each in _features(found.schema_arrow).items()}
    return {name: names for name, names in named.items() if names}


def _classes(feature: Any) -> tuple[str, ...]:
    if isinstance(feature, list):  # how older releases write a list of a feature
        return _classes(feature[0]) if feature else ()
    if not isinstance(feature, dict):
        return ()
    names = feature.get("names")
    return tuple(names) if isinstance(names, list) else _classes(feature.get("feature"))


@contextmanager
def opened(file: RawFile) -> Iterator[Any]:
    """The file as pyarrow's `ParquetFile`.

    Raises:
        PlaitError: it is no Parquet, damaged or cut off; also while it is read.
    """
    with _faults(file), open_seekable(file) as stream:
        from pyarrow import parquet

        # The buffer size keeps pyarrow from reading the columns of a whole row group at once; what
        # it reads ahead it would keep until the end of the file.
        yield parquet.ParquetFile(
            stream,
            buffer_size=_BUFFER,
            pre_buffer=False,
            page_checksum_verification=True,
            memory_map=False,
        )


@contextmanager
def _faults(file: RawFile) -> Iterator[None]:
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, str(error).partition("\n")[0]) from error


def _unreadable(file: RawFile, why: str) -> PlaitError:
    return PlaitError(f"{file.shown}: not readable as Parquet ({why}). Copy or export it again.")


def _tops(file: RawFile, schema: Any) -> set[str]:
    """The top-level columns of the wanted ones, which may be fields of a column."""
    return {name if name in schema.names else name.split(".")[0] for name in file.wanted}


def _features(schema: Any) -> dict[str, Any]:
    """Column → its feature, as the `datasets` library describes it; empty if it does not."""
    try:
        found = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        return dict(found["info"]["features"])
    except (KeyError, TypeError, ValueError):
        return {}


def _converters(features: Mapping[str, Any]) -> dict[str, Convert]:
    """Column → what turns its classes into names."""
    try:
        return {name: convert for name, each in features.items() if (convert := _converter(each))}
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}


def _converter(feature: Any) -> Convert | None:
    """What turns the classes of a feature into names; None if it has none."""
    if isinstance(feature, list):
        return _each(_converter(feature[0]))
    kind = feature.get("_type")
    if kind == "ClassLabel" and feature.get("names"):
        return lambda value: _name(feature["names"], value)
    if kind in ("Sequence", "List", "LargeList"):
        return _each(_converter(feature["feature"]))
    if kind is None:
        fields = {name: found for name, each in feature.items() if (found := _converter(each))}
        return _fields(fields) if fields else None
    return None


def _name(names: list[str], value: Any) -> str | None:
    if value is None or value == -1:
        return None
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else str(value)


def _each(convert: Convert | None) -> Convert | None:
    """For a list, or for an object of lists, which `datasets` makes of a list of objects."""
    if convert is None:
        return None
    return lambda value: [convert(v) for v in value] if isinstance(value, list) else convert(value)


def _fields(fields: Mapping[str, Convert]) -> Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: fields[name](v) if name in fields else v for name, v in value.items()}

    return convert
