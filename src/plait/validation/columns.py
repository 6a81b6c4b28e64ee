"""What validation keeps of the rows of a split: numbers and codes, a few bytes a row, no text."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plait.leakage.matches import NOTHING, key
from plait.leakage.spilled import Spilled
from plait.tasks import Label, Span, Split, Task, is_spans, label_names
from plait.validation.offset_tables import Offsets
from plait.validation.prepared import PreparedLine
from plait.validation.textfacts import SpanFacts, TextFacts, span_facts, span_shown
from plait.validation.unusual import line_keys, word_keys

NO_LETTERS = "no letters"
"""Stands for the script of a text without letters."""
_UNKNOWN = -1


class Codes:
    """Strings of which many are equal: each is kept once, with a number for every row."""

    def __init__(self) -> None:
        self._codes = array("i")
        self._strings: dict[str, int] = {}

    def append(self, string: str | None) -> None:
        known = self._strings
        self._codes.append(_UNKNOWN if string is None else known.setdefault(string, len(known)))

    @property
    def strings(self) -> list[str]:
        """The distinct strings, in the order of their first rows."""
        return list(self._strings)

    def numbers(self) -> NDArray[np.int32]:
        """(rows,): the place of each row's string in `strings`; -1 for None."""
        return np.array(self._codes, dtype=np.int32)

    def column(self) -> pd.Categorical:
        return pd.Categorical.from_codes(self.numbers(), pd.Index(self.strings, dtype=object))


class Flags:
    """Named truth values, of which a row takes one byte together."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names, self._bits = names, array("B")

    def append(self, values: Iterable[bool]) -> None:
        self._bits.append(sum(value << place for place, value in enumerate(values)))

    def columns(self) -> dict[str, NDArray[np.bool_]]:
        bits = np.array(self._bits, dtype=np.uint8)
        return {name: bits & (1 << place) > 0 for place, name in enumerate(self._names)}


class Facts:
    """The facts of texts (`TextFacts`), or None for a row without a text."""

    def __init__(self) -> None:
        self._characters = array("i")
        self._flags = Flags(TextFacts._fields[1:-1])
        self._scripts = Codes()

    def append(self, facts: TextFacts | None) -> None:
        self._characters.append(_UNKNOWN if facts is None else facts.characters)
        self._flags.append(facts[1:-1] if facts else ())
        # A check that saw only missing scripts would count as one that saw no rows.
        self._scripts.append((facts.script or NO_LETTERS) if facts else None)

    def columns(self) -> dict[str, Any]:
        characters = np.array(self._characters, dtype=np.int32)
        missing = characters == _UNKNOWN
        flags = self._flags.columns().items()
        return {
            "characters": pd.arrays.IntegerArray(characters, missing),
            **{name: pd.arrays.BooleanArray(values, missing) for name, values in flags},
            "script": self._scripts.column(),
        }


class Labels:
    """The labels or spans of a split for one task; a row may have none or several.

    What a faulty span cuts is kept as a string.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._rows, self._labels = array("i"), Codes()
        self._facts, self._cuts = Flags(SpanFacts._fields), list[str | None]()

    def add(self, row: int, line: PreparedLine) -> None:
        """The labels of a row of train or dev."""
        label = line.labels[self._task.field]
        if self._task.kind != "tagging":
            self._extend(row, label_names(label))
        elif is_spans(label):
            spans, text = sorted(label), line.text or ""
            found = span_facts(text, spans)
            self._extend(row, [span.label for span in spans], found)
            self._cuts += map(_cut, [text] * len(spans), spans, found)

    def add_heldout(self, row: int, fingerprint: Mapping[str, Any]) -> None:
        field = self._task.field
        spans = fingerprint["spans"].get(field, ())
        self._extend(row, fingerprint["labels"].get(field, ()), spans)

    def _extend(
        self, row: int, labels: Sequence[str], facts: Iterable[Iterable[bool]] = ()
    ) -> None:
        self._rows.extend([row] * len(labels))
        for label in labels:
            self._labels.append(label)
        for each in facts:
            self._facts.append(each)

    def table(self) -> pd.DataFrame:
        """A row for each label: `row`, `label`, and of spans their facts and `cut`."""
        columns = {"row": np.array(self._rows, dtype=np.int32), "label": self._labels.column()}
        if self._task.kind == "tagging":
            columns |= self._facts.columns()
            if self._cuts:
                columns["cut"] = pd.Series(self._cuts, dtype=object)
        return pd.DataFrame(columns)


def _cut(text: str, span: Span, found: SpanFacts) -> str | None:
    return None if all(found) else span_shown(text, span)


class Columns:
    """The columns of one split. Its rows are numbered from `start` on, as in all splits together.

    Attributes:
        ids: a key of each row's id; `NOTHING` for a row without one.
        words: the keys of each text's first distinct words.
        lines: the keys of each text's lines.
        comparable: task → a key of each row's label, or of all its labels or spans.
        labels, offsets: by task.
    """

    def __init__(self, split: Split, start: int, tasks: Sequence[Task]) -> None:
        self.split, self.start, self.count = split, start, 0
        self.ids = array("Q")
        self.facts, self.problems = Facts(), Codes()
        self.words, self.lines = Spilled(np.uint64), Spilled(np.uint64)
        self.comparable = {task: array("Q") for task in tasks}
        self.labels = {task: Labels(task) for task in tasks}
        self.offsets = {task: Offsets() for task in tasks if task.kind == "tagging"}

    def add(self, line: PreparedLine, facts: TextFacts | None, words: Sequence[str]) -> None:
        """A row of train or dev; `words` are those of its text."""
        row = self._next(line.id, facts)
        self.problems.append(line.problem or "none")
        self.words.append(word_keys(words))
        self.lines.append(line_keys(line.text or ""))
        for task, labels in self.labels.items():
            labels.add(row, line)
            self.comparable[task].append(key(_comparable(line.labels[task.field])))
        for task, offsets in self.offsets.items():
            offsets.add(line.text, line.labels[task.field])

    def add_heldout(self, fingerprint: Mapping[str, Any]) -> None:
        row = self._next(fingerprint["id"], TextFacts(**fingerprint["facts"]))
        for labels in self.labels.values():
            labels.add_heldout(row, fingerprint)

    def _next(self, identity: str | None, facts: TextFacts | None) -> int:
        self.ids.append(key(identity))
        self.facts.append(facts)
        self.count += 1
        return self.start + self.count - 1

    def numbers(self) -> NDArray[np.int32]:
        """(rows,): the number of each row."""
        return np.arange(self.start, self.start + self.count, dtype=np.int32)

    def table(self) -> pd.DataFrame:
        """Of each row what `plait.validation.tables` says, but what other rows have to do with."""
        ids = np.array(self.ids, dtype=np.uint64)
        facts = self.facts.columns()
        columns = {"row": self.numbers(), "id": pd.arrays.IntegerArray(ids, ids == NOTHING)}
        if self.split != "heldout":
            columns["text"] = _given(~facts["characters"].isna())
            columns["problem"] = self.problems.column()
            for task, keys in self.comparable.items():
                columns[f"label:{task.name}"] = _given(np.array(keys, np.uint64) != NOTHING)
        return pd.DataFrame({**columns, **facts})


def _given(there: NDArray[np.bool_]) -> pd.Categorical:
    """`given` where there is a value, and nothing elsewhere."""
    return pd.Categorical.from_codes(there.astype(np.int8) - 1, pd.Index(["given"], dtype=object))


def _comparable(label: Label) -> str | None:
    """A label, or all of a row's labels or spans as one string: two rows' can be compared."""
    if is_spans(label):
        return repr([(s.start, s.end, s.label) for s in sorted(label)])
    return repr(sorted(map(str, label))) if isinstance(label, tuple) else label
