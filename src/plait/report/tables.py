"""Tables of a service (one line a figure, one column a plan) and of comparisons."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plait.pages.markdown import escape
from plait.plans.verdict import NonInferiority
from plait.report.costs import Cost
from plait.report.results import Plan, Service
from plait.scores.differences import Difference
from plait.scores.intervals import Estimate

METRIC_NAMES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "micro_f1": "micro-F1",
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


@dataclass(frozen=True)
class Figure:
    """Name and format of a cost; a cost that no plan has gets no line."""

    name: str
    value: Callable[[Cost], float | None]
    show: Callable[[float], str]


def _latencies(way: str) -> Iterator[Figure]:
    for name in ("p50", "p95", "p99"):
        yield Figure(f"latency {name}, ms, {way}", _of(way, f"{name}_ms"), digits)


def _of(way: str, key: str) -> Callable[[Cost], float | None]:
    return lambda cost: cost.ways.get(way, {}).get(key)


def _figures() -> Iterator[Figure]:
    for way in ("in sequence", "in parallel"):
        yield from _latencies(way)
    yield Figure("rows a second, saturated", lambda cost: cost.rows_per_second, digits)
    yield Figure("tokens in, mean", lambda cost: cost.tokens_in, digits)
    yield Figure("parameters", lambda cost: cost.parameters, lambda value: millions(int(value)))
    yield Figure("on disk, MB", lambda cost: cost.bytes / 1e6, digits)
    yield Figure("peak memory, MiB", lambda cost: cost.peak_rss_mib, digits)
    yield Figure("peak GPU memory, MiB", lambda cost: cost.peak_gpu_mib, digits)
    yield Figure("energy, J an answer (estimate)", lambda cost: cost.joule_per_answer, digits)
    yield Figure("training, s", lambda cost: cost.training_seconds, digits)


def service_table(service: Service) -> list[Line]:
    """Quality first (percent, with 95 % intervals), then cost; empty without plans."""
    if not service.plans:
        return []
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


def leak_free(service: Service) -> Iterator[tuple[str, list[Estimate | None]]]:
    """The same figures on rows that training has not seen, where that is known."""
    keys = dict.fromkeys(key for plan in service.plans for key in plan.leak_free)
    for task, metric in keys:
        name = f"{task} {METRIC_NAMES[metric]}".strip()
        found = [plan.leak_free.get((task, metric)) for plan in service.plans]
        yield f"{name}, leak-free rows", found


def _quality(service: Service) -> Iterator[Line]:
    for name, found in (*estimates(service), *leak_free(service)):
        counts = [estimate.n for estimate in found if estimate]
        yield Line(f"{name}, %", numbers(counts), tuple(cell(estimate) for estimate in found))


def _costs(plans: Sequence[Plan]) -> Iterator[Line]:
    texts = numbers([way["texts"] for plan in plans for way in plan.cost.ways.values()])
    for figure in _figures():
        found = [figure.value(plan.cost) for plan in plans]
        if any(value is not None for value in found):
            cells = (Cell("–" if value is None else figure.show(value)) for value in found)
            yield Line(figure.name, texts if "latency" in figure.name else "", tuple(cells))


def _models(plans: Sequence[Plan]) -> Line:
    return Line("models", "", tuple(Cell(", ".join(plan.candidates)) for plan in plans))


def cell(estimate: Estimate | None) -> Cell:
    """A share as percent with its interval."""
    if estimate is None:
        return Cell("–")
    low, high = estimate.ci95
    return Cell(percent(estimate.value), f"{percent(low)}, {percent(high)}")


def difference(found: Difference) -> Cell:
    """A difference in points with its interval."""
    low, high = found.ci95
    return Cell(signed(found.value), f"{signed(low)}, {signed(high)}")


def signed(share: float) -> str:
    """+0.31 points for 0.0031."""
    return f"{100 * share:+.2f}"


def p_value(p: float) -> str:
    """0.034, or < 0.001: smaller values mean nothing with 2,000 resamples."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


NON_INFERIORITY_HEAD = (
    "Task", "Plan", "Against", "n", "Difference, points", "Lower end, one-sided 95 %", "Margin",
    "Finding",
)  # fmt: skip


def non_inferiority_line(test: NonInferiority) -> list[str]:
    """Cells under `NON_INFERIORITY_HEAD`."""
    finding = "these rows can't decide" if test.finding == "undecided" else test.finding
    over = f", mean of seeds {', '.join(map(str, test.seeds))}" if test.seeds else ""
    return [
        f"{test.task} {METRIC_NAMES[test.metric]}",
        f"{test.plan}{over}",
        test.reference,
        f"{test.difference.n:,}",
        str(difference(test.difference)),
        signed(test.difference.lower),
        f"{100 * test.margin:g}",
        finding,
    ]


def ratio_words(ratio: Mapping[str, Any]) -> str:
    """A latency ratio of two plans in a sentence."""
    low, high = ratio["ci95"]
    return (
        f"{ratio['plan']} answers a request in {ratio['ratio']:.2f} [{low:.2f}, {high:.2f}] × the "
        f"time of {ratio['to']} {ratio['to_way']} (p50, {ratio['texts']} texts, one process)."
    )


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


def digits(value: float) -> str:
    """Three significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown of plain text, aligned so that it reads well in a terminal, too."""
    rows = [[escape(part) for part in line] for line in [head, *lines]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(
        f"| {' | '.join(part.ljust(width) for part, width in zip(row, widths, strict=True))} |"
        for row in [rows[0], rule, *rows[1:]]
    )
