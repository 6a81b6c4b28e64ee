"""The paper's figures beside ours, each with its provenance; unknown figures stay blank.

The paper is "Advancing Single- and Multi-task Text Classification through LLM Fine-tuning"
(arXiv 2412.08587).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plait.datasets.base import Reader
    from plait.experiment.schema import Experiment

PAPER = "arXiv 2412.08587"
# Column → reader, field and metric of the task that it is about.
COLUMNS = {
    "20 Newsgroups, 20 classes": ("twenty_newsgroups", "group", "accuracy"),
    "20 Newsgroups, 7 classes": ("twenty_newsgroups", "top_group", "accuracy"),
    "MASSIVE en-US, intent": ("massive", "intent", "accuracy"),
    "MASSIVE en-US, slots": ("massive", "slots", "span_f1"),
}
REPORTED: Mapping[str, tuple[float, ...]] = {
    "Llama3-70B, fully fine-tuned": (0.919, 0.965, 0.908, 0.860),
}
RECONSTRUCTION = "MASSIVE (SLURP/HWU reconstruction)"


@dataclass(frozen=True)
class PaperCell:
    """A share (0–1) and where it comes from; both empty for a blank cell."""

    value: float | None = None
    provenance: str = ""


@dataclass(frozen=True)
class PaperLine:
    """A model and its cells, one for each of `COLUMNS`."""

    model: str
    cells: tuple[PaperCell, ...]


def paper_table(
    experiment: "Experiment", scores: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> list[PaperLine]:
    """The paper's models, then those of ours that answer one of its tasks; empty without such."""
    ours = list(_ours(experiment, scores))
    reported = [
        PaperLine(name, tuple(PaperCell(value, f"reported ({PAPER})") for value in values))
        for name, values in REPORTED.items()
    ]
    return [*reported, *ours] if ours else []


def _ours(experiment: "Experiment", scores: Mapping[str, Any]) -> Iterator[PaperLine]:
    for name, candidate in experiment.candidates.items():
        cells = []
        for reader, field, metric in COLUMNS.values():
            cell = PaperCell()
            for task in candidate.tasks:
                settings = experiment.tasks[task]
                dataset = experiment.datasets[settings.dataset]
                if (dataset.reader, settings.field) == (reader, field) and _is_en_us(dataset):
                    cell = PaperCell(scores[name][task][metric], provenance(dataset))
            cells.append(cell)
        if any(cell.provenance for cell in cells):
            yield PaperLine(name, tuple(cells))


def _is_en_us(dataset: "Reader") -> bool:
    return getattr(dataset, "locale", "en-US") == "en-US"


def provenance(dataset: "Reader") -> str:
    """`measured here`, or `not comparable` with the reason."""
    reasons = []
    if dataset.reader == "massive" and getattr(dataset, "sha256", None) is None:
        reasons.append(RECONSTRUCTION)
    if getattr(dataset, "variant", "raw") != "raw":
        reasons.append(f"variant {getattr(dataset, 'variant')}")  # noqa: B009 - not every reader's
    reasons += [f"{count:,} {split} rows" for split, count in dataset.limit.items()]
    return f"not comparable: {', '.join(reasons)}" if reasons else "measured here"
