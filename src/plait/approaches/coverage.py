"""How much of its texts a model reads, and which gold spans its tokens can express."""

from collections.abc import Sequence
from dataclasses import dataclass

from plait.segmentation import Place, words
from plait.tasks import Row, Task


@dataclass(frozen=True)
class Coverage:
    """Counts over the rows of one dataset and split.

    Attributes:
        rows: rows counted.
        rows_cut: rows of which some text is not read, as they have more tokens than are read.
        characters: of all texts.
        characters_cut: those that are not read.
        tokens: tokens that stand for text.
        tokens_unknown: those that stand for text that the tokenizer has no token for.
        spans: gold spans of the model's tagging tasks.
        spans_lost: those that no prediction can equal, because they begin or end within a token.
    """

    rows: int = 0
    rows_cut: int = 0
    characters: int = 0
    characters_cut: int = 0
    tokens: int = 0
    tokens_unknown: int = 0
    spans: int = 0
    spans_lost: int = 0

    @classmethod
    def whole(cls, rows: Sequence[Row], tasks: Sequence[Task]) -> "Coverage":
        """Of a model that reads each text to its end, and tags words."""
        counts = [lost(row, tasks, words(row.text), [(0, len(row.text))]) for row in rows]
        return cls(
            rows=len(rows),
            characters=sum(len(row.text) for row in rows),
            spans=sum(count for count, _ in counts),
            spans_lost=sum(missed for _, missed in counts),
        )


def lost(
    row: Row, tasks: Sequence[Task], places: Sequence[Place], slices: Sequence[Place]
) -> tuple[int, int]:
    """How many gold spans of the tasks a row has, and how many of them no prediction can equal.

    Args:
        places: where a span may begin and end.
        slices: a span stands within one of them.
    """
    begins, ends = {start for start, _ in places}, {end for _, end in places}
    labels = ((task, row.labels.get(task.field)) for task in tasks if task.kind == "tagging")
    spans = [
        span
        for task, label in labels
        if isinstance(label, tuple)
        for span in label
        if span.label in task.labels
    ]
    found = [
        span.start in begins
        and span.end in ends
        and any(start <= span.start and span.end <= end for start, end in slices)
        for span in spans
    ]
    return len(spans), found.count(False)
