"""Rows of one file, as its format gives them."""

from pathlib import Path
from typing import Any

from plait.datasets.formats.layout import Layout
from plait.datasets.table_files import records


def rows(path: Path, **settings: Any) -> list[dict[str, Any]]:
    """The columns of each row."""
    return [row for _, row in records(path, Layout(**settings))]


def numbers(path: Path, **settings: Any) -> list[int]:
    """The number of each row's line."""
    return [number for number, _ in records(path, Layout(**settings))]


def written(folder: Path, content: bytes, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
