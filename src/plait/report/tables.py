"""The table of a service: one line a figure, one column a plan."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from plait.intervals import Estimate
from plait.report.results import Cost, Plan, Service

METRIC_NAMES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "span_f1": "span F1",
    "exact_match": "exact match",
}


@dataclass(frozen=True)
class Cell:
    """A figure, and in smaller letters the interval around it."""

    value: str
    interval: str = ""

    def __str__(self) -> str:
        return f"{self.value} [{self.interval}]" if self.interval else self.value


@dataclass(frozen=True)
class Line:
    """One figure of every plan; `n` is the number of rows or texts that it rests on."""

    name: str
    n: str
    cells: tuple[Cell, ...]


COSTS: tuple[tuple[str, Callable[[Cost], str], Callable[[Cost], int | None]], ...] = (
    ("latency p50, ms", lambda cost: _digits(cost.p50_ms), lambda cost: cost.texts),
    ("latency p95, ms", lambda cost: _digits(cost.p95_ms), lambda cost: cost.texts),
    ("rows a second", lambda cost: _digits(cost.rows_per_second), lambda _: None),
    ("parameters", lambda cost: millions(cost.parameters), lambda _: None),
    ("peak memory, MiB", lambda cost: f"{cost.peak_rss_mib:,.0f}", lambda _: None),
)


def service_table(service: Service) -> list[Line]:
    """Quality first (percent, with 95 % intervals), then cost."""
    return [*_quality(service), *_costs(service.plans), _models(service.plans)]


def estimates(service: Service) -> Iterator[tuple[str, list[Estimate | None]]]:
    """Each quality figure's name and its estimate for every plan."""
    for task, metric in service.plans[0].metrics:
        yield (
            f"{task} {METRIC_NAMES[metric]}",
            [plan.metrics.get((task, metric)) for plan in service.plans],
        )
    exact = [plan.exact_match for plan in service.plans]
    if any(exact):
        yield METRIC_NAMES["exact_match"], exact


def _quality(service: Service) -> Iterator[Line]:
    for name, found in estimates(service):
        counts = [estimate.n for estimate in found if estimate]
        yield Line(f"{name}, %", numbers(counts), tuple(cell(estimate) for estimate in found))


def _costs(plans: Sequence[Plan]) -> Iterator[Line]:
    for name, show, texts in COSTS:
        counts = [count for plan in plans if (count := texts(plan.cost)) is not None]
        yield Line(name, numbers(counts), tuple(Cell(show(plan.cost)) for plan in plans))


def _models(plans: Sequence[Plan]) -> Line:
    return Line("models", "", tuple(Cell(", ".join(plan.candidates)) for plan in plans))


def cell(estimate: Estimate | None) -> Cell:
    """A share as percent with its interval."""
    if estimate is None:
        return Cell("–")
    low, high = estimate.ci95
    return Cell(percent(estimate.value), f"{percent(low)}, {percent(high)}")


def percent(share: float) -> str:
    """85.7 for 0.857."""
    return f"{100 * share:.1f}"


def millions(count: int) -> str:
    """22.7 M, 13 k or the number itself."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return str(count)


def numbers(counts: Sequence[int]) -> str:
    """A number that all plans share, or the least and the most."""
    if not counts:
        return ""
    least, most = min(counts), max(counts)
    return f"{least:,}" if least == most else f"{least:,}–{most:,}"


def _digits(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, aligned so that it reads well in a terminal, too."""
    rows = [[part.replace("|", "\\|") for part in line] for line in [head, *lines]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(
        f"| {' | '.join(part.ljust(width) for part, width in zip(row, widths, strict=True))} |"
        for row in [rows[0], rule, *rows[1:]]
    )
