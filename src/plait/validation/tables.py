"""A prepared dataset → the tables that checks look at, one thing to be checked a row.

Every table has the column `name`: the row id (or the label) that a report shows.

| table | a row is | further columns |
|---|---|---|
| `train`, `dev` | a row | id, text, fingerprint, problem, repeats, label:TASK; dev: in_train |
| `heldout` | a held-out fingerprint | id, fingerprint, in_train, in_dev |
| `ids` | a distinct id | splits |
| `answers/TASK/SPLIT` | a label or a span | label; spans: inside, apart, on_words |
| `support/TASK` | a label | train, dev, heldout |
| `trained/TASK` | a label of the training rows | train, dev, heldout |
| `conflicts/TASK` | a row of train or dev | labels: how many its text has |
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from plait.fingerprints import fingerprint
from plait.tasks import SPLITS, Label, Span, Task
from plait.validation.prepared import Line, Prepared

Tables = dict[str, pd.DataFrame]


def build_tables(data: Prepared) -> Tables:
    """All tables of one dataset, by name."""
    train, dev = _rows(data.train, data.tasks), _rows(data.dev, data.tasks)
    heldout = _table(data.heldout, ["id", "fingerprint"])
    heldout["name"] = heldout["id"]
    dev["in_train"] = _found_in(dev, train)
    heldout["in_train"] = _found_in(heldout, train)
    heldout["in_dev"] = _found_in(heldout, dev)
    tables = {"train": train, "dev": dev, "heldout": heldout}
    tables["ids"] = _ids(tables)
    for task in data.tasks:
        tables[f"conflicts/{task.name}"] = _conflicts(train, dev, f"label:{task.name}")
        tables.update(_label_tables(data, task))
    return tables


def _table(records: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Columns keep Python's own types: a null stays a null, a text a `str`."""
    rows = list(records)
    return pd.DataFrame({c: pd.Series([r[c] for r in rows], dtype=object) for c in columns})


def _rows(lines: Iterable[Line], tasks: Sequence[Task]) -> pd.DataFrame:
    columns = ["name", "id", "text", "problem", "fingerprint"]
    labels = [f"label:{task.name}" for task in tasks]
    table = _table((_record(line, tasks) for line in lines), [*columns, *labels])
    table["repeats"] = table["fingerprint"].duplicated() & table["fingerprint"].notna()
    return table


def _record(line: Line, tasks: Sequence[Task]) -> dict[str, Any]:
    return {
        "name": line.name,
        "id": line.id,
        "text": line.text,
        "problem": line.problem or "none",
        "fingerprint": fingerprint(line.text) if line.text and line.text.strip() else None,
        **{f"label:{task.name}": _comparable(line.labels[task.field]) for task in tasks},
    }


def _comparable(label: Label) -> str | None:
    """A label, or a row's spans as one string, so that two rows' labels can be compared."""
    if isinstance(label, tuple):
        return json.dumps([[s.start, s.end, s.label] for s in sorted(label)])
    return label


def _found_in(table: pd.DataFrame, other: pd.DataFrame) -> "pd.Series[bool]":
    return table["fingerprint"].isin(other["fingerprint"].dropna())


def _ids(splits: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    ids = pd.concat([table[["id"]].assign(split=name) for name, table in splits.items()])
    counts = ids.groupby("id", sort=False)["split"].nunique()
    return pd.DataFrame({"name": counts.index, "splits": counts.to_numpy()})


def _conflicts(train: pd.DataFrame, dev: pd.DataFrame, column: str) -> pd.DataFrame:
    rows = pd.concat([train, dev])
    rows = rows[rows["fingerprint"].notna() & rows[column].notna()]
    labels = rows.groupby("fingerprint")[column].transform("nunique")
    return pd.DataFrame({"name": rows["name"].to_numpy(), "labels": labels.to_numpy()})


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
    return pd.DataFrame({"name": pd.Series(labels, dtype=object), **support})


def _heldout_answers(values: Iterable[Mapping[str, Any]], task: Task) -> pd.DataFrame:
    pairs = ((v["id"], label) for v in values for label in v["labels"].get(task.field, []))
    return _table(({"name": name, "label": label} for name, label in pairs), ["name", "label"])


def _answers(lines: Iterable[Line], task: Task) -> pd.DataFrame:
    if task.kind == "tagging":
        spans = (span for line in lines for span in _spans(line, line.labels[task.field]))
        return _table(spans, ["name", "label", "inside", "apart", "on_words"])
    labels = ({"name": line.name, "label": line.labels[task.field]} for line in lines)
    return _table(labels, ["name", "label"])


def _spans(line: Line, label: Label) -> Iterator[dict[str, Any]]:
    text, reached = line.text or "", 0
    for span in sorted(label) if isinstance(label, tuple) else ():
        yield {
            "name": line.name,
            "label": span.label,
            "inside": 0 <= span.start < span.end <= len(text),
            "apart": span.start >= reached,
            "on_words": _on_words(text, span),
        }
        reached = max(reached, span.end)


def _on_words(text: str, span: Span) -> bool:
    """Whether a span begins and ends where a word does: no word cut, no blank at its edges."""
    inside = text[span.start : span.end]
    before, after = text[max(0, span.start - 1) : span.start], text[span.end : span.end + 1]
    cut = _one_word(before, inside[:1]) or _one_word(inside[-1:], after)
    return inside == inside.strip() and not cut


def _one_word(left: str, right: str) -> bool:
    """Whether two neighbours are of one word: letters, or digits; `20C` and `5pm` are two each."""
    return (left.isalpha() and right.isalpha()) or (left.isdigit() and right.isdigit())
