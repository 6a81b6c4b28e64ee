"""Labels that are spelled like another label of their task, or like a missing value."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd

from plait.datasets.spelling import normalised, quoted
from plait.tasks import SPLITS

_PLACEHOLDERS = frozenset(
    {
        *("nan", "nat", "null", "none", "nil", "na", "n/a", "<na>", "undefined", "?", "??"),
        *("#n/a", "#na", "#ref!", "#value!", "#name?", "#div/0!", "#num!", "#null!", "#error!"),
    }
)
"""As pandas, SQL, Python, JavaScript and spreadsheets write a value that is not there."""


def with_placeholders(labels: pd.DataFrame) -> pd.DataFrame:
    """The table with `placeholder`: whether a label stands for a missing value."""
    kinds = labels["label"].cat
    known = np.array([normalised(label) in _PLACEHOLDERS for label in kinds.categories], bool)
    return labels.assign(placeholder=known[kinds.codes])


def with_spellings(support: pd.DataFrame) -> pd.DataFrame:
    """The table of labels with the columns

    `alike`: whether a more frequent label is spelled alike (`plait.datasets.spelling`);
    `meant`: that label; `pair`: both with their numbers of rows or spans, in words.
    """
    counts = dict(zip(support["name"], support[list(SPLITS)].sum(axis=1), strict=True))
    meant = _meant(counts)
    pairs = {
        label: f"{quoted(label)} ({counts[label]:,}) and {quoted(other)} ({counts[other]:,})"
        for label, other in meant.items()
    }
    names = support["name"]
    return support.assign(
        alike=pd.Series([name in meant for name in names], dtype=bool),
        meant=pd.Series([meant.get(name) for name in names], dtype=object),
        pair=pd.Series([pairs.get(name) for name in names], dtype=object),
    )


def _meant(counts: dict[str, int]) -> dict[str, str]:
    """Label → the most frequent of those that are spelled alike, unless that is itself."""
    forms: dict[str, list[str]] = defaultdict(list)
    for label in counts:
        forms[normalised(label)].append(label)
    first = {form: _most(labels, form, counts) for form, labels in forms.items()}
    found = {label: first[form] for form, labels in forms.items() for label in labels}
    return {label: other for label, other in found.items() if label != other}


def _most(labels: Sequence[str], form: str, counts: dict[str, int]) -> str:
    return min(labels, key=lambda label: (-counts[label], label != form, label))
