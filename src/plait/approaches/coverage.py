"""How much of its texts a model reads, and which gold spans its tokens can express."""

from collections.abc import Sequence
from dataclasses import dataclass

from plait.tasks import Row


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
    def whole(cls, rows: Sequence[Row]) -> "Coverage":
        """Of a model that reads each text to its end."""
        return cls(rows=len(rows), characters=sum(len(row.text) for row in rows))
