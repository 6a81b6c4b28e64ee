"""How far into a text a model of tokens reads: one slice of it, or overlapping slices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plait.approaches.reading.coverage import Coverage, lost
from plait.approaches.reading.texts import Encoded
from plait.approaches.reading.windows import Answers, in_windows, training_rows, windows
from plait.segmentation import Place, is_blank
from plait.tasks import Row, Task

BORDER = 2
"""Tokens that a slice may have more when it is read alone: one at either end."""


@dataclass(frozen=True)
class Reach:
    """How far a model reads.

    Tagging reads a long text in slices, since a span may stand anywhere. A label follows from the
    first slice alone, or with `classify` from all of them.

    Args:
        tasks: of the model.
        room: tokens of text that it reads at once.
        whole: a text's tokens, however many, without marks.
        places: what the tokens of a text can express: where spans may begin and end.
    """

    tasks: tuple[Task, ...]
    room: int
    whole: Callable[[str], Encoded]
    places: Callable[[str, Encoded], Sequence[Place]]
    classify: bool

    def split(self, text: str) -> list[Place]:
        """The slices that are read."""
        return self._split(text, self.tasks)

    def _split(self, text: str, tasks: Sequence[Task]) -> list[Place]:
        tagged = any(task.kind == "tagging" for task in tasks)
        # No token is shorter than a byte, but for a space before the text.
        short = len(text.encode(errors="replace")) < self.room
        if short or not (tagged or self.classify):
            return [(0, len(text))]
        offsets = self.whole(text).places
        if len(offsets) <= self.room:
            return [(0, len(text))]
        return windows(text, offsets, max(1, self.room - BORDER))

    def answers(self, texts: Sequence[str], predict: Callable[[Sequence[str]], Answers]) -> Answers:
        """Answers to texts of any length, by those to their slices."""
        return in_windows(texts, self.tasks, self.split, predict, self.classify)

    def rows(self, row: Row, tasks: Sequence[Task], classify: bool | None = None) -> list[Row]:
        """A row's slices as rows to learn the tasks from."""
        slices = self._split(row.text, tasks)
        return training_rows(row, slices, tasks, self.classify if classify is None else classify)

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        """For each text whether a label leaves out some of it."""
        return [
            not self._short(text) and self._read(text, self.whole(text), self.tasks) < len(text)
            for text in texts
        ]

    def _short(self, text: str) -> bool:
        """Whether a text's length alone shows that all of it is read.

        No token is shorter than a byte, but for a space before the text; beyond ASCII a tokenizer
        may turn a character into many (NFKC).
        """
        return text.isascii() and len(text) < self.room

    def _read(self, text: str, whole: Encoded, tasks: Sequence[Task]) -> int:
        """Characters from the beginning that every task's answer rests on."""
        everything = self.classify or not any(task.whole_text for task in tasks)
        if everything or len(whole.places) <= self.room:
            return len(text)
        read = max((end for _, end in whole.places[: self.room]), default=0)
        return len(text) if is_blank(text[read:]) else read

    def coverage(self, dataset: str, rows: Sequence[Row]) -> Coverage:
        """How much of a dataset's texts the model reads, and which gold spans it can express."""
        tasks = [task for task in self.tasks if task.dataset == dataset]
        whole = [self.whole(row.text) for row in rows]
        unread = [
            len(row.text) - self._read(row.text, found, tasks)
            for row, found in zip(rows, whole, strict=True)
        ]
        spans = [
            lost(row, tasks, self.places(row.text, found), self._split(row.text, tasks))
            for row, found in zip(rows, whole, strict=True)
        ]
        return Coverage(
            rows=len(rows),
            rows_cut=sum(count > 0 for count in unread),
            characters=sum(len(row.text) for row in rows),
            characters_cut=sum(unread),
            tokens=sum(len(found.ids) for found in whole),
            tokens_unknown=sum(found.unknown for found in whole),
            spans=sum(count for count, _ in spans),
            spans_lost=sum(missed for _, missed in spans),
        )
