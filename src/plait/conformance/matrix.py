"""The matrix of architectures, approaches and languages, as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from plait.conformance import toy
from plait.conformance.findings import SEVERAL, Finding, Verdict
from plait.errors import PlaitError
from plait.files import atomic_write, read_json, write_json
from plait.pages.markdown import escape

BEGIN, END = "<!-- matrix -->", "<!-- /matrix -->"
Cell = tuple[str, str]
"""Architecture and approach."""
Matrix = Mapping[Cell, Mapping[str, Verdict]]
"""Verdicts by cell and setting."""


def keep(folder: Path, cell: Cell, setting: str, verdict: Verdict) -> None:
    """Write a verdict where `read` finds it."""
    kept = {"cell": cell, "setting": setting, "verdict": asdict(verdict)}
    name = "-".join((*cell, setting)).translate({ord(c): "_" for c in " /()'."})
    write_json(folder / f"{name}.json", kept)


def read(folder: Path) -> Matrix:
    """All verdicts in a folder."""
    found: dict[Cell, dict[str, Verdict]] = {}
    for path in sorted(folder.glob("*.json")):
        kept = read_json(path)
        verdict = kept["verdict"]
        findings = [Finding(**each) for each in verdict.pop("findings")]
        architecture, approach = kept["cell"]
        cell = found.setdefault((architecture, approach), {})
        cell[kept["setting"]] = Verdict(**verdict, findings=findings)
    return found


def table(matrix: Matrix, cells: Sequence[Cell]) -> str:
    """A line for each of the cells, a column for each language, and one for several labels unless
    no verdict is about them: those of earlier versions are not.
    """
    names = [spoken.name for spoken in toy.LANGUAGES]
    if any(verdict.tried(SEVERAL) for found in matrix.values() for verdict in found.values()):
        names.append(SEVERAL)
    lines = [["architecture", "approach", *names], ["---"] * (2 + len(names))]
    lines += [[*cell, *(_entry(matrix.get(cell, {}), name) for name in names)] for cell in cells]
    return "\n".join("| " + " | ".join(map(_escaped, line)) + " |" for line in lines)


def _escaped(text: str) -> str:
    return text if set(text) == {"-"} else escape(text)


def _entry(verdicts: Mapping[str, Verdict], language: str) -> str:
    """`fits`, or what went wrong with which settings."""
    if not verdicts:
        return "not run"
    wrong: dict[str, list[str]] = {}
    for setting, verdict in verdicts.items():
        summary = verdict.summary(language)
        if summary != "fits":
            wrong.setdefault(summary, []).append(setting)
    everywhere = len(verdicts)
    return "; ".join(_named(w, s, everywhere) for w, s in wrong.items()) or "fits"


def _named(what: str, settings: Sequence[str], everywhere: int) -> str:
    return what if len(settings) == everywhere else f"{what} ({', '.join(settings)})"


def rewrite(page: Path, text: str) -> None:
    """Replace what stands between the marks of a page.

    Raises:
        PlaitError: the page has no marks.
    """
    whole = page.read_text(encoding="utf-8")
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise PlaitError(f"{page}: no {BEGIN} … {END} in it. Put both where the table belongs.")
    with atomic_write(page) as stream:
        stream.write(f"{before}{BEGIN}\n{text}\n{END}{after}".encode())
