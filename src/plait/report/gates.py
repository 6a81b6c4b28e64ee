"""The table of a decision: each gate with its value, limit, interval and outcome."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from plait.plans.gates import Gate, shown
from plait.report.tables import markdown

HEAD = ("Plan", "Gate", "Value", "95 % interval", "n", "Limit", "Outcome")


def gate_lines(gates: Iterable[Gate]) -> list[list[str]]:
    """Cells under `HEAD`."""
    return [_cells(gate) for gate in gates]


def _cells(gate: Gate) -> list[str]:
    ends = [shown(end, gate.unit).removesuffix(" %") for end in gate.ci95 or ()]
    return [
        gate.plan,
        gate.name,
        shown(gate.value, gate.unit),
        f"[{', '.join(ends)}]" if ends else "",
        "" if gate.n is None else f"{gate.n:,}",
        f"{'≥' if gate.bound == 'least' else '≤'} {shown(gate.limit, gate.unit)}",
        "pass" if gate.passed else "fail",
    ]


def record_gates(lines: Sequence[Mapping[str, Any]]) -> list[Gate]:
    """The gates of a record."""
    return [Gate.from_json(line) for line in lines]


def gates_markdown(gates: Sequence[Gate]) -> str:
    """As Markdown, for artifacts, model cards and reports."""
    return markdown(HEAD, gate_lines(gates))


def gates_table(gates: Sequence[Gate]) -> Table:
    """As a table of the terminal; a failed gate is red."""
    table = Table(*HEAD, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for gate, cells in zip(gates, gate_lines(gates), strict=True):
        table.add_row(*map(Text, cells), style=None if gate.passed else "bold red")
    return table
