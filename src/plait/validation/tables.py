"""A prepared dataset → the tables that checks look at, one thing to be checked a row.

Every table has the column `name`: the row id (or the label) that a report shows.

| table | a row is | further columns |
|---|---|---|
| `train`, `dev` | a row | id, text, problem, label:TASK, facts, unlike, boilerplate, matches |
| `heldout` | a held-out fingerprint | id, facts, matches |
| `ids` | a distinct id | splits |
| `answers/TASK/SPLIT` | a label or a span | label; spans: inside, apart, on_words |
| `support/TASK` | a label | train, dev, heldout, share (of the train rows) |
| `trained/TASK` | a label of the training rows | as support |
| `conflicts/TASK` | a row of train or dev | labels: how many its text has; near: see below |
| `drift/TASK`, `drift` | a comparison with train | drift |

Facts are those of `textfacts.Facts`. Matches are true where a row's text is found elsewhere:
repeats, near_repeats (earlier in its split), in_SPLIT, near_SPLIT, elsewhere (in another dataset of
a mixture). `near`: whether a text alike, and not equal, has another label.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from plait.tasks import SPLITS, Label, Split, Task
from plait.validation.compared import Compared, label_conflicts, match_columns
from plait.validation.drift import Profile, drift_tables
from plait.validation.prepared import Line, Prepared
from plait.validation.textfacts import Facts, span_facts
from plait.validation.unusual import boilerplate, unlike

Tables = dict[str, pd.DataFrame]


def build_tables(data: Prepared, compared: Compared, accepted: Profile | None = None) -> Tables:
    """All tables of one dataset, by name. `accepted` is the last accepted version's profile."""
    tables = {
        "train": _rows(data, "train", data.train, compared),
        "dev": _rows(data, "dev", data.dev, compared),
        "heldout": _heldout(data, compared),
    }
    tables["ids"] = _ids(tables)
    for task in data.tasks:
        tables[f"conflicts/{task.name}"] = _conflicts(data, compared, tables, task)
        tables.update(_label_tables(data, task))
    tables.update(drift_tables(tables, [task.name for task in data.tasks], accepted))
    return tables


def _table(records: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Columns keep Python's own types: a null stays a null, a text a `str`."""
    rows = list(records)
    return pd.DataFrame({c: pd.Series([r[c] for r in rows], dtype=object) for c in columns})


def _rows(data: Prepared, split: Split, lines: Sequence[Line], compared: Compared) -> pd.DataFrame:
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
    table["unlike"] = unlike(compared.words[data.name, split], compared.common[data.name])
    table["boilerplate"] = boilerplate(table["text"], compared.lines[data.name])
    return table.assign(**match_columns(compared, data.name, split))


def _record(line: Line, tasks: Sequence[Task]) -> dict[str, Any]:
    return {
        "name": line.name,
        "id": line.id,
        "text": line.text,
        "problem": line.problem or "none",
        **{f"label:{task.name}": _comparable(line.labels[task.field]) for task in tasks},
    }


def _facts(found: Sequence[Facts | None]) -> pd.DataFrame:
    nothing = (None,) * len(Facts._fields)
    return pd.DataFrame(
        [facts or nothing for facts in found], columns=list(Facts._fields), dtype=object
    )


def _comparable(label: Label) -> str | None:
    """A label, or a row's spans as one string, so that two rows' labels can be compared."""
    if isinstance(label, tuple):
        return repr([(s.start, s.end, s.label) for s in sorted(label)])
    return label


def _heldout(data: Prepared, compared: Compared) -> pd.DataFrame:
    table = _table(data.heldout, ["id"])
    table["name"] = table["id"]
    table = pd.concat([table, _facts(compared.facts[data.name, "heldout"])], axis=1)
    return table.assign(**match_columns(compared, data.name, "heldout"))


def _ids(splits: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    ids = pd.concat([table[["id"]].assign(split=name) for name, table in splits.items()])
    counts = ids.groupby("id", sort=False)["split"].nunique()
    return pd.DataFrame({"name": counts.index, "splits": counts.to_numpy()})


def _conflicts(data: Prepared, compared: Compared, tables: Tables, task: Task) -> pd.DataFrame:
    """Rows with a text and a label; how many labels the equal ones have, how the near ones."""
    rows = pd.concat([tables["train"], tables["dev"]], ignore_index=True)
    counts, near = label_conflicts(compared, data.name, rows[f"label:{task.name}"])
    found = pd.DataFrame({"name": rows["name"], "labels": counts, "near": near})
    return found[counts > 0].reset_index(drop=True)


def _label_tables(data: Prepared, task: Task) -> Tables:
    answers = {
        "train": _answers(data.train, task),
        "dev": _answers(data.dev, task),
        "heldout": _heldout_answers(data.heldout, task),
    }
    support = _support(answers, task)
    return {
        **{f"answers/{task.name}/{split}": answers[split] for split in SPLITS},
        f"support/{task.name}": support,
        f"trained/{task.name}": support[support["train"] > 0].reset_index(drop=True),
    }


def _support(answers: Tables, task: Task) -> pd.DataFrame:
    """How often each label is the answer in each split; declared labels count, if only as zero."""
    counts = {split: table["label"].value_counts() for split, table in answers.items()}
    labels = sorted({*task.labels, *(label for count in counts.values() for label in count.index)})
    support = {
        split: [int(count.get(label, 0)) for label in labels] for split, count in counts.items()
    }
    table = pd.DataFrame({"name": pd.Series(labels, dtype=object), **support})
    return table.assign(share=table["train"] / max(1, int(np.sum(support["train"]))))


def _heldout_answers(values: Iterable[Mapping[str, Any]], task: Task) -> pd.DataFrame:
    columns = ["name", "label", *(("inside", "apart", "on_words") if _tags(task) else ())]
    return _table((dict(zip(columns, v, strict=True)) for v in _known(values, task)), columns)


def _known(values: Iterable[Mapping[str, Any]], task: Task) -> Iterator[tuple[Any, ...]]:
    for value in values:
        labels = value["labels"].get(task.field, [])
        spans = value["spans"].get(task.field, []) if _tags(task) else [()] * len(labels)
        yield from ((value["id"], *both) for both in _joined(labels, spans))


def _joined(labels: Sequence[str], spans: Sequence[Sequence[bool]]) -> Iterator[tuple[Any, ...]]:
    return ((label, *span) for label, span in zip(labels, spans, strict=True))


def _answers(lines: Iterable[Line], task: Task) -> pd.DataFrame:
    if _tags(task):
        spans = (span for line in lines for span in _spans(line, line.labels[task.field]))
        return _table(spans, ["name", "label", "inside", "apart", "on_words"])
    labels = ({"name": line.name, "label": line.labels[task.field]} for line in lines)
    return _table(labels, ["name", "label"])


def _spans(line: Line, label: Label) -> Iterator[dict[str, Any]]:
    spans = sorted(label) if isinstance(label, tuple) else []
    for span, found in zip(spans, span_facts(line.text or "", spans), strict=True):
        yield {"name": line.name, "label": span.label, **found._asdict()}


def _tags(task: Task) -> bool:
    return task.kind == "tagging"
