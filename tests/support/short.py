"""A real approach that reads the beginning of a text only, and says so."""

import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

import pytest

from plait.approaches.linear import Linear
from plait.approaches.reading.coverage import Coverage
from plait.segmentation import words
from plait.tasks import Prediction, Row

MOST = 7
"""Words that are read: `is the reading light of the living room on` has nine."""


class Short(Linear):
    """TF-IDF of a text's first words; a word that ASCII lacks is unknown to it."""

    def predict(self, texts: Sequence[str], batch_size: int = 32) -> dict[str, list[Prediction]]:
        return super().predict([text[: read(text)] for text in texts], batch_size)

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        return [read(text) < len(text) for text in texts]

    def coverage(self, dataset: str, rows: Sequence[Row]) -> Coverage:
        heard = [row.text[a:b] for row in rows for a, b in words(row.text)[:MOST]]
        spans = [(row.text, span) for row in rows for span in row.labels.get("slots") or ()]
        return Coverage(
            rows=len(rows),
            rows_cut=sum(self.truncated([row.text for row in rows])),
            characters=sum(len(row.text) for row in rows),
            characters_cut=sum(len(row.text) - read(row.text) for row in rows),
            tokens=len(heard),
            tokens_unknown=sum(not word.isascii() for word in heard),
            spans=len(spans),
            spans_lost=sum(span.end > read(text) for text, span in spans),
        )


def read(text: str) -> int:
    """How many characters of a text are read."""
    places = words(text)
    return len(text) if len(places) <= MOST else places[MOST - 1][1]


@pytest.fixture(scope="module", autouse=True)
def approach_short() -> Iterator[None]:
    """The approach has a name of its own, by which stages and bundles find it."""
    module = ModuleType("plait.approaches.short")
    module.APPROACH = Short
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "plait.approaches.short", module)
        yield
