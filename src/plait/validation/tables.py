"""A prepared dataset → the tables that checks examine.

Every table has the column `name`: the row id (or the label) that the report shows.

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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from plait.tasks import SPLITS, Label, Split, Task, is_spans, label_names
from plait.validation.compared import TextComparison, label_conflicts, match_columns
from plait.validation.drift import Profile, drift_tables
from plait.validation.offset_tables import offset_table
from plait.validation.prepared import PreparedDataset, PreparedLine
from plait.validation.spellings import with_placeholders, with_spellings
from plait.validation.textfacts import SpanFacts, TextFacts, span_facts, span_shown
from plait.validation.unusual import boilerplate_only, without_common_words

Tables = dict[str, pd.DataFrame]
NO_LETTERS = "no letters"
"""Stands for the script of a text without letters."""


def build_tables(
    data: PreparedDataset, compared: TextComparison, accepted: Profile | None = None
) -> Tables:
    """All tables of one dataset, by name; `accepted` is the profile of the accepted version."""
    tables = {
        "train": _rows(data, "train", data.train, compared),
        "dev": _rows(data, "dev", data.dev, compared),
        "heldout": _heldout(data, compared),
    }
    tables["ids"] = _ids(tables)
    for task in data.tasks:
        tables[f"conflicts/{task.name}"] = _conflicts(data, compared, tables, task)
        tables.update(_label_tables(data, task))
        if _is_tagging(task):
            tables[f"offsets/{task.name}"] = offset_table([*data.train, *data.dev], task)
    tables.update(drift_tables(tables, [task.name for task in data.tasks], accepted))
    return tables


def _table(records: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """A table whose columns keep Python types: pandas converts neither a None nor a `str`."""
    rows = list(records)
    return pd.DataFrame({c: pd.Series([r[c] for r in rows], dtype=object) for c in columns})


def _rows(
    data: PreparedDataset, split: Split, lines: Sequence[PreparedLine], compared: TextComparison
) -> pd.DataFrame:
    labels = [f"label:{task.name}" for task in data.tasks]
    found = compared.facts[data.name, split]
    table = pd.concat(
        [
            _table(
                (_record(line, data.tasks) for line in lines),
                ["name", "id", "text", "problem", *labels],
            ),
            _facts(found),
        ],
        axis=1,
    )
    table["unlike"] = without_common_words(
        compared.words[data.name, split], compared.common[data.name]
    )
    table["boilerplate"] = boilerplate_only(table["text"], compared.lines[data.name])
    return table.assign(**match_columns(compared, data.name, split))


def _record(line: PreparedLine, tasks: Sequence[Task]) -> dict[str, Any]:
    return {
        "name": line.name,
        "id": line.id,
        "text": line.text,
        "problem": line.problem or "none",
        **{f"label:{task.name}": _comparable(line.labels[task.field]) for task in tasks},
    }


def _facts(found: Sequence[TextFacts | None]) -> pd.DataFrame:
    nothing = (None,) * len(TextFacts._fields)
    # A check that saw only missing scripts would count as one that saw no rows.
    known = [facts and facts._replace(script=facts.script or NO_LETTERS) for facts in found]
    return pd.DataFrame(
        [facts or nothing for facts in known], columns=list(TextFacts._fields), dtype=object
    )


def _comparable(label: Label) -> str | None:
    """A label, or all of a row's labels or spans as one string: two rows' can be compared."""
    if is_spans(label):
        return repr([(s.start, s.end, s.label) for s in sorted(label)])
    return repr(sorted(map(str, label))) if isinstance(label, tuple) else label


def _heldout(data: PreparedDataset, compared: TextComparison) -> pd.DataFrame:
    table = _table(data.heldout, ["id"])
    table["name"] = table["id"]
    table = pd.concat([table, _facts(compared.facts[data.name, "heldout"])], axis=1)
    return table.assign(**match_columns(compared, data.name, "heldout"))


def _ids(splits: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    ids = pd.concat([table[["id"]].assign(split=name) for name, table in splits.items()])
    counts = ids.groupby("id", sort=False)["split"].nunique()
    return pd.DataFrame({"name": counts.index, "splits": counts.to_numpy()})


def _conflicts(
    data: PreparedDataset, compared: TextComparison, tables: Tables, task: Task
) -> pd.DataFrame:
    """One row for each row with a text and a label, with the conflicts of its label."""
    rows = pd.concat([tables["train"], tables["dev"]], ignore_index=True)
    counts, near = label_conflicts(compared, data.name, rows[f"label:{task.name}"])
    found = pd.DataFrame({"name": rows["name"], "labels": counts, "near": near})
    return found[counts > 0].reset_index(drop=True)


def _label_tables(data: PreparedDataset, task: Task) -> Tables:
    labels_by_split = {
        "train": _labels(data.train, task),
        "dev": _labels(data.dev, task),
        "heldout": _heldout_labels(data.heldout, task),
    }
    labels_by_split = {
        split: table.dropna(subset="label").reset_index(drop=True)
        for split, table in labels_by_split.items()
    }
    support = with_spellings(_support(labels_by_split, task))
    return {
        **{f"labels/{task.name}/{s}": with_placeholders(labels_by_split[s]) for s in SPLITS},
        f"support/{task.name}": support,
        f"trained/{task.name}": support[support["train"] > 0].reset_index(drop=True),
    }


def _support(labels_by_split: Tables, task: Task) -> pd.DataFrame:
    """Rows (spans) of each label in each split; a declared label without rows has zeros."""
    counts = {split: table["label"].value_counts() for split, table in labels_by_split.items()}
    labels = sorted({*task.labels, *(label for count in counts.values() for label in count.index)})
    support = {
        split: [int(count.get(label, 0)) for label in labels] for split, count in counts.items()
    }
    table = pd.DataFrame({"name": pd.Series(labels, dtype=object), **support})
    return table.assign(share=table["train"] / max(1, int(np.sum(support["train"]))))


def _heldout_labels(values: Iterable[Mapping[str, Any]], task: Task) -> pd.DataFrame:
    columns = [
        "name",
        "label",
        *(SpanFacts._fields if _is_tagging(task) else ()),
    ]
    return _table(
        (dict(zip(columns, v, strict=True)) for v in _fingerprint_labels(values, task)), columns
    )


def _fingerprint_labels(
    values: Iterable[Mapping[str, Any]], task: Task
) -> Iterator[tuple[Any, ...]]:
    for value in values:
        labels = value["labels"].get(task.field, [])
        spans = value["spans"].get(task.field, []) if _is_tagging(task) else [()] * len(labels)
        yield from ((value["id"], *both) for both in _joined(labels, spans))


def _joined(labels: Sequence[str], spans: Sequence[Sequence[bool]]) -> Iterator[tuple[Any, ...]]:
    return ((label, *span) for label, span in zip(labels, spans, strict=True))


def _labels(lines: Iterable[PreparedLine], task: Task) -> pd.DataFrame:
    if _is_tagging(task):
        spans = (span for line in lines for span in _spans(line, line.labels[task.field]))
        return _table(spans, ["name", "label", "cut", *SpanFacts._fields])
    labels = (
        {"name": line.name, "label": label}
        for line in lines
        for label in _of_row(line.labels[task.field], task)
    )
    return _table(labels, ["name", "label"])


def _of_row(label: Label, task: Task) -> Sequence[str | None]:
    """The label of a row, None where it has none; or each of several, maybe none."""
    names = label_names(label)
    return names if task.kind == "multilabel" else names or [None]


def _spans(line: PreparedLine, label: Label) -> Iterator[dict[str, Any]]:
    spans = sorted(label) if is_spans(label) else []
    for span, found in zip(spans, span_facts(line.text or "", spans), strict=True):
        cut = None if all(found) else span_shown(line.text or "", span)
        yield {"name": line.name, "label": span.label, "cut": cut, **found._asdict()}


def _is_tagging(task: Task) -> bool:
    return task.kind == "tagging"
