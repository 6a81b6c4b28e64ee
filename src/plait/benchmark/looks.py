"""Held-out reuse: how many models were scored on the rows since they were pinned.

Every model that is chosen by its score on the same rows makes that score a little less of a
surprise (Dwork et al. 2015, "The reusable holdout"); the count is what a reader can discount by.

A look is a model that has been scored on rows: the same model on the same rows again says nothing
new and counts once. The rows are named by their sha256, so that a new pin begins at 0. The
ledger stands under `.plait`, which git and DVC ignore: whether a stage has run before may show in
no output that must come back byte for byte. It therefore counts the looks of one working copy, and
only the report, which can't be repeated anyway, shows it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from plait.files import json_line, read_jsonl

LEDGER = Path(".plait/looks.jsonl")


def record(ledger: Path, bundle: str, heldout: Mapping[str, str]) -> None:
    """Record that `bundle` was scored on rows with these sha256 (by task)."""
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{ledger}.lock"), ledger.open("ab") as stream:
        for task, rows in sorted(heldout.items()):
            stream.write(json_line({"task": task, "rows": rows, "bundle": bundle}))


def count(ledger: Path, heldout: Mapping[str, str]) -> dict[str, int]:
    """Task → number of models that were scored on the rows with this sha256."""
    lines: Iterable[Any] = read_jsonl(ledger) if ledger.is_file() else ()
    looks = {(line["task"], line["rows"], line["bundle"]) for line in lines}
    return {
        task: sum((name, found) == (task, rows) for name, found, _ in looks)
        for task, rows in heldout.items()
    }
