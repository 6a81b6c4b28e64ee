"""Every approach on every architecture: right answers, or a refusal that names the reason."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest

import architectures
from architectures import APPROACHES, ARCHITECTURES
from plait.approaches.registry import APPROACHES as REGISTRY
from plait.conformance import matrix
from plait.conformance.examining import Setting, examine
from plait.conformance.findings import SEVERAL, Verdict
from projects import REPOSITORY

HEADS, PROMPT = Setting("heads"), Setting("prompt")
GENERATIVE = Setting("generative", epochs=(16, 48, 96, 96))  # copying takes longer to learn
BOTH_WAYS = {"attention": "bidirectional", "causal_layers": 1}
REFUSED: set[tuple[str, str]] = set()
"""Architectures and approaches that plait refuses; all others must fit."""


@dataclass(frozen=True)
class Cell:
    """One examination; `side` is the tokenizer's padding side where it is not its own."""

    architecture: str
    name: str
    setting: Setting
    side: Literal["left", "right"] | None = None

    def __str__(self) -> str:
        return f"{self.architecture}-{self.setting.approach}-{self.name}"


SETTINGS: dict[str, tuple[tuple[str, Setting, Literal["left", "right"] | None], ...]] = {
    "encoder": (
        ("padded right", HEADS, "right"),
        ("padded left", HEADS, "left"),
        ("bf16", replace(HEADS, precision="bf16"), None),
    ),
    "decoder": (
        ("padded right", HEADS, "right"),
        ("padded left", HEADS, "left"),
        ("bf16", replace(HEADS, precision="bf16"), None),
        ("bidirectional", replace(HEADS, options=BOTH_WAYS), None),
        ("padded right", GENERATIVE, "right"),
        ("padded left", GENERATIVE, "left"),
        ("not packed", replace(GENERATIVE, packing=False), None),
        ("bf16", replace(GENERATIVE, precision="bf16"), None),
        ("padded right", PROMPT, "right"),
        ("padded left", PROMPT, "left"),
        ("bf16", replace(PROMPT, precision="bf16"), None),
    ),
}
CELLS = [
    Cell(name, called, setting, side)
    for name, made in ARCHITECTURES.items()
    for called, setting, side in SETTINGS[made.kind]
]
FAST = [
    Cell(name, "fast", setting)
    for name, setting in (
        ("bert", HEADS),
        ("xlm-roberta", HEADS),
        ("llama (Llama 2's tokenizer)", HEADS),
        ("llama (Llama 3's tokenizer)", HEADS),
        ("llama (Llama 3's tokenizer)", GENERATIVE),
        ("gemma2", HEADS),
        ("gemma2", PROMPT),
    )
]


def examined(cell: Cell, folder: Path) -> Verdict:
    backbone = architectures.make(cell.architecture, folder / "backbone", cell.side)
    return examine(backbone, cell.setting, folder / "scratch")


def check(cell: Cell, verdict: Verdict) -> None:
    """The failing checks, each with found and expected, are the message."""
    refused = (cell.architecture, cell.setting.approach) in REFUSED
    assert (verdict.refusal is not None) == refused, f"{cell}: {verdict}"
    if verdict.refusal is not None:
        assert cell.architecture.split()[0] in verdict.refusal
        return
    assert verdict.findings
    assert verdict.fits(), f"{cell}:\n{verdict}"


@pytest.mark.parametrize("cell", FAST, ids=str)
def test_a_few_architectures_fit(cell: Cell, tmp_path: Path) -> None:
    check(cell, examined(cell, tmp_path))


@pytest.mark.slow
@pytest.mark.timeout(900)  # four trainings, on a machine that does more beside
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_every_architecture_fits(cell: Cell, tmp_path: Path, results: Path) -> None:
    names = (cell.architecture, cell.setting.approach)
    if os.environ.get("PLAIT_MATRIX") == "again":
        before = matrix.read(results).get(names, {}).get(cell.name)
        if before is not None and before.fits() and before.tried(SEVERAL):
            pytest.skip("it fitted in the run before")
    verdict = examined(cell, tmp_path)
    if os.environ.get("PLAIT_MATRIX"):
        matrix.keep(results, names, cell.name, verdict)
    check(cell, verdict)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_page_names_every_architecture_and_approach(name: str) -> None:
    page = (REPOSITORY / "docs/models.md").read_text(encoding="utf-8")
    table = page.partition(matrix.BEGIN)[2].partition(matrix.END)[0]
    for approach in APPROACHES[ARCHITECTURES[name].kind]:
        assert f"| {name} | {approach} |" in table


def test_every_approach_of_the_registry_is_tried() -> None:
    for kind, tried in APPROACHES.items():
        assert set(tried) == {name for name, made in REGISTRY.items() if kind in made.backbones}
        assert set(tried) == {setting.approach for _, setting, _ in SETTINGS[kind]}
