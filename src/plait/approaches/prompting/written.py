"""The words of a text as a decoder writes them, and where what it wrote stands in the text."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from plait.segmentation import words
from plait.tasks import Span

Run = tuple[int, int]
"""First word (included) to last word (excluded)."""


def folded(text: str) -> list[str]:
    """A text's words, without regard to case."""
    return [text[start:end].casefold() for start, end in words(text)]


class Written:
    """A text and its words.

    Attributes:
        places: (start, end) characters of each word.
    """

    def __init__(self, text: str) -> None:
        self.text, self.places, self._folded = text, words(text), folded(text)
        self._numbers: dict[tuple[tuple[str, ...], int], dict[int, int]] = {}
        self._at: defaultdict[str, list[int]] = defaultdict(list)
        for number, word in enumerate(self._folded):
            self._at[word].append(number)

    def run(self, span: Span) -> Run | None:
        """The words that a span touches; None where there is none."""
        touched = [i for i, (a, b) in enumerate(self.places) if a < span.end and b > span.start]
        return (touched[0], touched[-1] + 1) if touched else None

    def find(self, wanted: Sequence[str], begin: int) -> list[int]:
        """Where, from word `begin` on, the folded words `wanted` stand; nowhere if none is."""
        size, at = len(wanted), self._at.get(wanted[0], []) if wanted else []
        places = at[bisect_left(at, begin) :]
        return [i for i in places if self._folded[i : i + size] == list(wanted)]

    def occurrence(self, run: Run, begin: int) -> int:
        """Which occurrence from word `begin` on a run of words is, from 1."""
        wanted = tuple(self._folded[run[0] : run[1]])
        # A text that repeats itself is asked for each repetition.
        if (wanted, begin) not in self._numbers:
            found = self.find(wanted, begin)
            self._numbers[wanted, begin] = {place: nth for nth, place in enumerate(found, 1)}
        return self._numbers[wanted, begin][run[0]]

    def word(self, number: int, first: bool) -> str:
        """A word of a value: a space goes before the `first`, and where the text has a gap."""
        start, end = self.places[number]
        gap = first or start > self.places[number - 1][1]
        return (" " if gap else "") + self.text[start:end]
