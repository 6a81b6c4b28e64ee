"""Slices of held-out rows: by length, by how often training saw the label, by leak, by field."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import regex

from plait.segmentation import SPACELESS
from plait.tasks import Label, Row, Task, label_names

# Slices of one kind that are scored, the largest: a field may have thousands of values.
MOST = 30
# Training rows with the label. Few-shot classes are where an overall score says least.
SUPPORTS = ((0, 0), (1, 9), (10, 99), (100, None))
# What stands between spaces, or a character of a script without them.
_WORD = regex.compile(rf"(?V1)(?=[{SPACELESS}])\X|[\S--[{SPACELESS}]]+")


@dataclass(frozen=True)
class Slice:
    """Places of the rows that belong to it; `by` says what they have in common."""

    by: str
    name: str
    rows: tuple[int, ...]


def slices(
    task: Task,
    rows: Sequence[Row],
    support: Mapping[str, int],
    leaked: frozenset[str] | None,
    asked: frozenset[str],
) -> list[Slice]:
    """Slices that hold labelled rows.

    Args:
        support: training rows (spans) by label (type).
        leaked: ids of rows that training has seen; None where that is not known.
        asked: fields that the candidate answers. Rows are sliced by their other labels.
    """
    labelled = [place for place, row in enumerate(rows) if row.labels.get(task.field) is not None]
    names: dict[str, dict[int, str]] = {
        "length": dict(zip(labelled, _lengths([rows[i].text for i in labelled]), strict=True)),
        "training rows of the label": {
            i: _support(task, rows[i].labels[task.field], support) for i in labelled
        },
        **{
            field: {i: str(rows[i].labels[field]) for i in labelled if _is_name(rows[i], field)}
            for field in sorted({f for i in labelled for f in rows[i].labels} - asked)
        },
    }
    if leaked is not None:
        names["leak"] = {i: "leaked" if rows[i].id in leaked else "leak-free" for i in labelled}
    return [found for by, places in names.items() for found in _grouped(by, places)]


def _grouped(by: str, names: Mapping[int, str]) -> Iterator[Slice]:
    kept = [name for name, _ in Counter(names.values()).most_common(MOST)]
    for name in sorted(kept, key=_natural):
        yield Slice(by, name, tuple(i for i, found in names.items() if found == name))


def _natural(name: str) -> tuple[int, str]:
    """Ranges by their first number, other names by letter."""
    digits = name.split("–")[0].split(" ")[0].rstrip("+")
    return (int(digits) if digits.isdigit() else -1, name)


def _lengths(texts: Sequence[str]) -> list[str]:
    """The quarter of lengths, in words, that each text falls in."""
    words = np.array([len(_WORD.findall(text)) for text in texts])
    ends = np.unique(np.quantile(words, [0.25, 0.5, 0.75, 1]).astype(int))
    lows = [int(words.min()), *(int(end) + 1 for end in ends[:-1])]
    places = np.searchsorted(ends, words)
    return [f"{lows[place]}–{ends[place]} words" for place in places]


def _support(task: Task, label: Label, support: Mapping[str, int]) -> str:
    """Of several labels or span types the rarest counts."""
    names = label_names(label)
    if not names:
        return "no spans" if task.kind == "tagging" else "no labels"
    least = min(support.get(name, 0) for name in names)
    low, high = next((a, b) for a, b in SUPPORTS if b is None or least <= b)
    if high is None:
        return f"{low}+"
    return str(low) if low == high else f"{low}–{high}"


def _is_name(row: Row, field: str) -> bool:
    return isinstance(row.labels.get(field), str)
