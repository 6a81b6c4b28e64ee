"""Tables of comparisons as text: page and Markdown show the same cells."""

from plait.report.comparisons import PairLine, SeedLine, TransferLine
from plait.report.dropped import DroppedLine
from plait.report.paper import COLUMNS, PaperCell, PaperLine
from plait.report.results import Results, Service
from plait.report.tables import (
    METRIC_NAMES,
    NON_INFERIORITY_HEAD,
    cell,
    difference,
    non_inferiority_line,
    p_value,
    percent,
    signed,
)

Table = tuple[str, tuple[str, ...], list[list[str]]]
"""Title, head and lines."""
PAIR_HEAD = ("Task", "First", "Second", "n", "Difference, points", "p", "McNemar p", "Holm p")
TRANSFER_HEAD = (
    "Task", "Several tasks", "One task", "Seed", "Temperature", "n", "Difference, points", "p",
    "Holm p",
)  # fmt: skip
SEED_HEAD = ("What", "Task", "Seeds", "Mean", "SD", "95 % over seeds", "95 % over rows")
DROPPED_HEAD = (
    "Dataset", "Split", "Copies of rows of later splits", "Other faulty rows", "Rows left",
)  # fmt: skip
PAPER_HEAD = ("Model", *COLUMNS)


def non_inferiority_table(service: Service) -> Table:
    """Title, head and lines of the service's tests."""
    lines = [non_inferiority_line(test) for test in service.verdict.comparisons]
    return "Fewer models against more: non-inferiority", NON_INFERIORITY_HEAD, lines


def pair_line(line: PairLine) -> list[str]:
    """Cells under `PAIR_HEAD`."""
    return [
        f"{line.task} {METRIC_NAMES[line.metric]}",
        line.first,
        line.second,
        f"{line.difference.n:,}",
        str(difference(line.difference)),
        p_value(line.difference.p),
        p_value(line.mcnemar.p),
        p_value(line.p_holm),
    ]


def transfer_line(line: TransferLine) -> list[str]:
    """Cells under `TRANSFER_HEAD`."""
    task, first, second, n, points, p, _, p_holm = pair_line(line)
    return [task, first, second, str(line.seed), f"{line.temperature:g}", n, points, p, p_holm]


def seed_line(line: SeedLine) -> list[str]:
    """Cells under `SEED_HEAD`."""
    found, show = line.spread, signed if line.rows is None else percent
    return [
        line.what,
        f"{line.task} {METRIC_NAMES[line.metric]}",
        ", ".join(map(str, line.seeds)),
        show(found.mean),
        "–" if found.sd is None else percent(found.sd),
        "–" if found.ci95 is None else f"{show(found.ci95[0])}, {show(found.ci95[1])}",
        "–" if line.rows is None else cell(line.rows).interval,
    ]


def dropped_line(line: DroppedLine) -> list[str]:
    """Cells under `DROPPED_HEAD`."""
    return [line.dataset, line.split, f"{line.copies:,}", f"{line.others:,}", f"{line.left:,}"]


def paper_line(line: PaperLine) -> list[str]:
    """Cells under `PAPER_HEAD`."""
    return [line.model, *map(paper_cell, line.cells)]


def paper_cell(found: PaperCell) -> str:
    """The figure and where it comes from; blank where there is none."""
    return "" if found.value is None else f"{percent(found.value)}, {found.provenance}"


def tables(results: Results) -> list[Table]:
    """Title, head and lines of the tables about all candidates; those with lines."""
    found = results.comparisons
    every: list[Table] = [
        (
            "Several tasks or one: negative transfer",
            TRANSFER_HEAD,
            [transfer_line(line) for line in found.transfer],
        ),
        ("Over seeds", SEED_HEAD, [seed_line(line) for line in found.seeds]),
        ("Candidates in pairs", PAIR_HEAD, [pair_line(line) for line in found.pairs]),
        ("Paper versus ours", PAPER_HEAD, [paper_line(line) for line in results.paper]),
        ("Rows that validation dropped", DROPPED_HEAD, list(map(dropped_line, results.dropped))),
    ]
    return [table for table in every if table[2]]
