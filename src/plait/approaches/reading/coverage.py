"""How much of its texts a model reads, and which gold spans its tokens can express."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from plait.errors import PlaitError
from plait.segmentation import Place, words
from plait.tasks import Row, Task, is_spans

if TYPE_CHECKING:
    from plait.approaches.base import Resolved

MOST_UNKNOWN = 0.1
"""Share of unknown tokens beyond which a training set is refused. The WordPiece of English BERT has
tokens for all English commands and newsgroups, but none for 18 % of Japanese, 58 % of Chinese and
all of Thai; of Hindi, where it knows the letters but no words, 9 %."""
SOME_UNKNOWN = 0.01
"""Share of unknown tokens from which a training says so; the report always does."""


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

    def complete(self) -> bool:
        """Whether all is read and every gold span can be answered."""
        return not (self.rows_cut or self.characters_cut or self.tokens_unknown or self.spans_lost)


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
        if is_spans(label)
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


Splits = Mapping[str, Mapping[str, Coverage]]
"""Coverage by split and dataset."""


def as_json(splits: Splits) -> dict[str, Any]:
    """Split → dataset → counts."""
    return {
        split: {dataset: asdict(found) for dataset, found in datasets.items()}
        for split, datasets in splits.items()
    }


def from_json(value: Mapping[str, Any]) -> Splits:
    """The inverse of `as_json`."""
    return {
        split: {dataset: Coverage(**counts) for dataset, counts in datasets.items()}
        for split, datasets in value.items()
    }


def share(part: int, whole: int) -> str:
    """In percent; a share of some is never shown as none, nor one of less than all as all."""
    if 0 < part < whole:
        return f"{min(max(100 * part / whole, 0.1), 99.9):.1f} %"
    return "100 %" if part else "0 %"


def say(coverage: Coverage, candidate: "Resolved", split: str, dataset: str) -> None:
    """Say on stderr what a candidate doesn't read of a dataset's rows; nothing if it reads all.

    A line is printed once in a process, and there by the first of several ranks: what is said
    before a training need not be said again after it.
    """
    sentences = " ".join(_sentences(coverage, candidate, split))
    if sentences and os.environ.get("RANK", "0") == "0":
        _print(f"{candidate.name}, {dataset}: {sentences}")


@cache
def _print(line: str) -> None:
    print(line, file=sys.stderr)


def _sentences(found: Coverage, candidate: "Resolved", split: str) -> Iterator[str]:
    if found.rows_cut or found.characters_cut:
        from plait.settings import Training  # pydantic takes a while: answering needs none of it

        length = Training.model_validate(candidate.training).max_length
        yield (
            f"{found.rows_cut:,} of {found.rows:,} {split} rows are longer than max_length "
            f"{length}: {share(found.characters_cut, found.characters)} of all characters are not "
            "read."
        )
        windows = "" if candidate.options.get("windows") else ", or set options.windows"
        yield f"Raise training.max_length{windows}."
    if found.tokens_unknown > SOME_UNKNOWN * found.tokens:
        yield (
            f"{share(found.tokens_unknown, found.tokens)} of the tokens of {split} rows stand for "
            "text that the tokenizer has no token for. Choose a backbone that knows this text."
        )
    if found.spans_lost:
        yield (
            f"{found.spans_lost:,} of {found.spans:,} gold spans of {split} rows begin or end "
            "inside a token or are outside what is read, so no prediction can equal them."
        )


def check_unknown(coverage: Coverage, candidate: str, backbone: str) -> None:
    """Refuse to learn from texts that the backbone's tokenizer has no tokens for.

    Args:
        coverage: of the training rows.

    Raises:
        PlaitError: more than `MOST_UNKNOWN` of the tokens are unknown.
    """
    share = coverage.tokens_unknown / max(1, coverage.tokens)
    if share > MOST_UNKNOWN:
        raise PlaitError(
            f"candidate {candidate!r}: {share:.0%} of the tokens of its training texts are unknown "
            f"to the tokenizer of backbone {backbone!r}, at most {MOST_UNKNOWN:.0%} may be. The "
            "tokenizer doesn't know the texts' script or language: choose a multilingual backbone, "
            "or one of that language."
        )
