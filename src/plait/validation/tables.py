"""A prepared dataset → the tables that checks examine.

Tables of rows have the column `row`, the number of the row among those of all datasets; the others
have `name`, which the report shows (`Tables.names_of`). Columns are numbers, truth values and
categories: an id is its 64-bit key; `text` and `label:TASK` say `given` where there is one.

| table | a row is | further columns |
|---|---|---|
| `train`, `dev` | a row | id, text, problem, label:TASK, facts, unlike, boilerplate, matches |
| `heldout` | a held-out fingerprint | id, facts, matches |
| `ids` | a distinct id | splits |
| `labels/TASK/SPLIT` | a label or a span | label, placeholder; spans: facts, cut (train, dev) |
| `support/TASK` | a label | train, dev, heldout, share (of the train rows), alike, meant, pair |
| `trained/TASK` | a label of the training rows | as support |
| `offsets/TASK` | a way to count offsets | explains, told |
| `conflicts/TASK` | a row of train or dev | labels: how many labels its text has; near: see below |
| `drift/TASK`, `drift` | a split or version, compared with train | drift |

Facts are those of `textfacts.TextFacts` and `SpanFacts`. Matches say where else a
row's text occurs: repeats and near_repeats (earlier in its split), in_SPLIT and near_SPLIT,
elsewhere (in another dataset of its mixture), copied_from_heldout. `near` says whether a
near-duplicate has another label.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from plait.leakage.matches import NO_ROW, NOTHING, first_in_splits, grouped
from plait.leakage.spilled import Names
from plait.tasks import SPLITS, Split, Task
from plait.validation.columns import Columns
from plait.validation.compared import TextComparison, label_conflicts, match_columns
from plait.validation.drift import Profile, drift_tables
from plait.validation.prepared import PreparedDataset
from plait.validation.spellings import with_placeholders, with_spellings
from plait.validation.unusual import (
    boilerplate_only,
    common_lines,
    common_words,
    without_common_words,
)

ColumnsOf = Mapping[Split, Columns]


class Tables(dict[str, pd.DataFrame]):
    """The tables of a dataset by name.

    Attributes:
        rows: the names of the rows of all datasets.
    """

    def __init__(self, rows: Names) -> None:
        super().__init__()
        self.rows = rows

    def names_of(self, rows: pd.DataFrame) -> list[str]:
        """The names of some rows of a table."""
        if "name" in rows:
            return list(map(str, rows["name"]))
        return [self.rows[row] for row in rows["row"]]


def build_tables(
    data: PreparedDataset, compared: TextComparison, accepted: Profile | None = None
) -> Tables:
    """All tables of one dataset, by name; `accepted` is the profile of the accepted version."""
    columns: ColumnsOf = {split: compared.columns[data.name, split] for split in SPLITS}
    words, lines = common_words(columns["train"].words), common_lines(columns["train"].lines)
    tables = Tables(compared.matches.names)
    for split, found in columns.items():
        table = found.table()
        if split != "heldout":
            table["unlike"] = without_common_words(found.words, words)
            table["boilerplate"] = boilerplate_only(found.lines, lines)
        tables[split] = table.assign(**match_columns(compared, data.name, split))
    tables["ids"] = _ids(columns)
    for task in data.tasks:
        tables[f"conflicts/{task.name}"] = _conflicts(data, compared, columns, task)
        tables.update(_label_tables(columns, task))
        if task.kind == "tagging":
            offsets = columns["train"].offsets[task].joined(columns["dev"].offsets[task])
            tables[f"offsets/{task.name}"] = offsets.table()
    tables.update(drift_tables(tables, [task.name for task in data.tasks], accepted))
    return tables


def _ids(columns: ColumnsOf) -> pd.DataFrame:
    """A row for each distinct id: its first row, and in how many splits it occurs."""
    keys = np.concatenate([np.array(columns[split].ids, np.uint64) for split in SPLITS])
    rows = np.concatenate([columns[split].numbers() for split in SPLITS])
    splits = np.repeat(
        np.arange(len(SPLITS), dtype=np.int32), [columns[split].count for split in SPLITS]
    )
    groups, first = grouped(keys)
    found = first_in_splits(groups, splits, len(SPLITS)) != NO_ROW
    return pd.DataFrame({"row": rows[first], "splits": found.sum(axis=1)})


def _conflicts(
    data: PreparedDataset, compared: TextComparison, columns: ColumnsOf, task: Task
) -> pd.DataFrame:
    """One row for each row with a text and a label, with the conflicts of its label."""
    both = [columns["train"], columns["dev"]]
    keys = np.concatenate([np.array(each.comparable[task], np.uint64) for each in both])
    labels = np.where(keys == NOTHING, -1, pd.factorize(keys)[0])
    counts, near = label_conflicts(compared, data.name, labels)
    rows = np.concatenate([each.numbers() for each in both])
    found = pd.DataFrame({"row": rows, "labels": counts, "near": near})
    return found[counts > 0].reset_index(drop=True)


def _label_tables(columns: ColumnsOf, task: Task) -> dict[str, pd.DataFrame]:
    labels_by_split: dict[str, pd.DataFrame] = {
        split: columns[split].labels[task].table() for split in SPLITS
    }
    support = with_spellings(_support(labels_by_split, task))
    tables = {f"support/{task.name}": support}
    tables[f"trained/{task.name}"] = support[support["train"] > 0].reset_index(drop=True)
    for split, labels in labels_by_split.items():
        tables[f"labels/{task.name}/{split}"] = with_placeholders(labels)
    return tables


def _support(labels_by_split: Mapping[str, pd.DataFrame], task: Task) -> pd.DataFrame:
    """Rows (spans) of each label in each split; a declared label without rows has zeros."""
    counts = {split: table["label"].value_counts() for split, table in labels_by_split.items()}
    labels = sorted({*task.labels, *(label for count in counts.values() for label in count.index)})
    support = {
        split: [int(count.get(label, 0)) for label in labels] for split, count in counts.items()
    }
    table = pd.DataFrame({"name": pd.Series(labels, dtype=object), **support})
    return table.assign(share=table["train"] / max(1, int(np.sum(support["train"]))))
