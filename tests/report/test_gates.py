"""The table of a decision, in the terminal and as Markdown."""

from io import StringIO

import pytest
from rich.console import Console

from plait.plans.gates import Gate
from plait.report.gates import gates_markdown, gates_table, record_gates

GATES = [
    Gate("one", "intent", 0.8, 0.6, ci95=(0.75, 0.84), n=1200),
    Gate("one", "request, p95, in sequence", 12.5, 10, "most", "ms"),
    Gate("one", "home, failed critical checks", 0, 0, "most", "checks"),
    Gate("one", "slots, length: a slice of 30 rows", None, 0.5),
]
LINES = [
    ["one", "intent", "80.00 %", "[75.00, 84.00]", "1,200", "≥ 60.00 %", "pass"],
    ["one", "request, p95, in sequence", "12.5 ms", "", "", "≤ 10 ms", "fail"],
    ["one", "home, failed critical checks", "0", "", "", "≤ 0", "pass"],
    ["one", "slots, length: a slice of 30 rows", "not measured", "", "", "≥ 50.00 %", "fail"],
]


def test_markdown_and_terminal_show_the_same_cells() -> None:
    shown = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in gates_markdown(GATES).splitlines()
    ]
    assert shown[2:] == LINES
    console = Console(file=StringIO(), width=200)
    console.print(gates_table(GATES))
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    for line in LINES:
        assert all(cell in printed for cell in line)


@pytest.mark.parametrize("gate", GATES)
def test_a_record_gives_back_its_gates(gate: Gate) -> None:
    assert record_gates([gate.as_json()]) == [gate]
    assert gate.as_json()["passed"] is gate.passed
