"""The report says what each candidate reads of its rows, and is silent where nothing is known."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import small
from plait.approaches.reading.coverage import Coverage, as_json
from plait.files import read_json, write_json
from plait.report.coverage import HEAD, TITLE
from plait.stages.report import main as report_stage
from reports import Page, root

__all__ = ["root"]
WHOLE = Coverage(rows=9, characters=90, tokens=30)
SPLITS = {
    "train": {
        "home": Coverage(rows=1800, rows_cut=600, characters=1000, characters_cut=1, spans=8),
        "notes|": WHOLE,
    },
    "heldout": {
        "home": WHOLE,
        "notes|": Coverage(rows=9, tokens=9, tokens_unknown=3, spans=8, spans_lost=2),
    },
}


def reported(root: Path, folder: Path, coverage: dict[str, Any]) -> tuple[Page, str]:
    """Page and text, where these candidates' details have other coverage; None takes it away."""
    project = shutil.copytree(root, folder / "project")
    for name, splits in coverage.items():
        path = project / f"predictions/{name}/details.json"
        details = read_json(path)
        del details["coverage"]
        write_json(path, {**details, **({"coverage": as_json(splits)} if splits else {})})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        report_stage()
    page = Page((project / "report/index.html").read_text(encoding="utf-8"))
    return page, (project / "report/report.md").read_text(encoding="utf-8")


def test_what_is_not_read_has_a_line_and_what_is_read_a_sentence(
    root: Path, tmp_path: Path
) -> None:
    page, text = reported(root, tmp_path, {"tfidf-slots": SPLITS})
    (table,) = [table for table in page.tables if table[0] == list(HEAD)]
    assert table[1:] == [
        ["tfidf-slots", "home", "train", "1,800", "33.3 %", "0.1 %", "0 %", "0 %"],
        ["tfidf-slots", "notes|", "heldout", "9", "0 %", "0 %", "33.3 %", "25.0 %"],
    ]
    sentence = "tfidf-intent, tfidf-intent+slots: no text is cut, no token unknown, no gold span"
    assert sentence in page.words
    assert sentence in text
    line = next(line for line in text.splitlines() if line.startswith("| tfidf-slots | notes"))
    assert "notes\\|" in line
    assert "33.3 %" in line


def test_where_all_is_read_there_is_no_table(root: Path, tmp_path: Path) -> None:
    page, text = reported(root, tmp_path, {})
    assert f"## {TITLE}\n\ntfidf-intent, " in text
    assert list(HEAD) not in [table[0] for table in page.tables]
    assert "no gold span lost." in page.words


def test_details_of_an_earlier_version_are_read(root: Path, tmp_path: Path) -> None:
    page, text = reported(root, tmp_path, dict.fromkeys(small.CANDIDATES))
    assert TITLE not in text
    assert TITLE not in page.words
