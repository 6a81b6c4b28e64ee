"""fastText's lines: `__label__` before each label of a text."""

import re
from collections.abc import Sequence

from plait.datasets.annotations.shapes import Wanted
from plait.datasets.formats.opening import RawFile
from plait.datasets.table_files import Records
from plait.datasets.text_files import lines

_PREFIX = "__label__"
_BEFORE = re.compile(r"(?:__label__\S*[ \t]+)*(?:__label__\S*$)?")
_AFTER = re.compile(r"(?:[ \t]+__label__\S*)+[ \t]*$")


def matches(sample: Sequence[str]) -> bool:
    """Whether most lines that aren't blank begin or end with a label."""
    filled = [line.split() for line in sample if line.strip()]
    labelled = sum(_PREFIX in (w[0][: len(_PREFIX)], w[-1][: len(_PREFIX)]) for w in filled)
    return 2 * labelled > len(filled) > 0


def records(file: RawFile, wanted: Wanted) -> Records:
    """Number, text and `label` of each line that isn't blank; labels stand before or after."""
    for number, line in lines(file):
        if line.strip():
            before = _BEFORE.match(line)
            start = before.end() if before else 0
            after = _AFTER.search(line, start)
            end = after.start() if after else len(line)
            labels = f"{line[:start]} {line[end:]}".split()
            text = line[start:end].strip(" \t")
            names = [label.removeprefix(_PREFIX) for label in labels]
            yield number, {wanted.text: text, "label": names}
