"""What the candidates read of their rows: a table of what is cut, and a sentence on the rest."""

from collections.abc import Iterator
from dataclasses import dataclass

from plait.approaches.reading.coverage import Coverage, from_json, share
from plait.report.results import Results
from plait.tasks import SPLITS

TITLE = "What the models read"
HEAD = (
    "Candidate", "Dataset", "Split", "Rows", "Rows cut", "Characters cut", "Unknown tokens",
    "Gold spans lost",
)  # fmt: skip
NOTE = (
    "A row is cut where it has more tokens than a model reads (training.max_length). Unknown "
    "tokens stand for text that the tokenizer has no token for. A gold span is lost where no "
    "prediction can equal it, because it begins or ends within a token or is not read."
)


@dataclass(frozen=True)
class Covered:
    """Lines under `HEAD`, one a candidate, dataset and split of which something is not read.

    `sentence` names the candidates that read all; empty if there are none.
    """

    lines: list[list[str]]
    sentence: str


def covered(results: Results) -> Covered | None:
    """None where nothing is known of any candidate: their benchmarks are of an earlier version."""
    known = {
        name: from_json(measured.details["coverage"])
        for name, measured in results.candidates.items()
        if "coverage" in measured.details
    }
    lines = {
        name: [
            [name, dataset, split, *_cells(found)]
            for split in SPLITS
            for dataset, found in splits.get(split, {}).items()
            if not found.complete()
        ]
        for name, splits in known.items()
    }
    complete = ", ".join(name for name, found in lines.items() if not found)
    sentence = f"{complete}: no text is cut, no token unknown, no gold span lost."
    every = [line for found in lines.values() for line in found]
    return Covered(every, sentence if complete else "") if known else None


def _cells(found: Coverage) -> Iterator[str]:
    yield f"{found.rows:,}"
    yield share(found.rows_cut, found.rows)
    yield share(found.characters_cut, found.characters)
    yield share(found.tokens_unknown, found.tokens)
    yield share(found.spans_lost, found.spans) if found.spans else "–"
