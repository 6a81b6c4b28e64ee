"""A user's own file, checked before any set-up: as a dataset of an experiment of its own."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.errors import PlaitError
from plait.experiment import SECTIONS, Experiment, check
from plait.preparation import prepare
from plait.validation import Report, validate


@dataclass(frozen=True)
class Columns:
    """Which columns of the file hold what."""

    text: str
    labels: tuple[str, ...]
    spans: tuple[str, ...] = ()
    split: str | None = None
    id: str | None = None


def check_file(file: Path, columns: Columns) -> Report:
    """Check a CSV, TSV or JSONL file with the default limits; nothing is left on disk.

    Raises:
        PlaitError: the file is missing or malformed (names the line), or no column of answers is
            named.
    """
    if not file.is_file():
        raise PlaitError(f"{file}: no such file. Name a CSV, TSV or JSONL file.")
    if not columns.labels and not columns.spans:
        raise PlaitError(
            f"{file}: no column of labels is named. Say --label-field COLUMN (or --spans-field)."
        )
    name = _name(file.stem) or "file"
    experiment = _experiment(name, file, columns)
    with tempfile.TemporaryDirectory(prefix="plait-validate-") as scratch:
        folder = Path(scratch)
        raw = folder / "raw" / name
        raw.mkdir(parents=True)
        (raw / file.name).symlink_to(file.resolve())
        outputs = (folder / each for each in ("prepared", "inputs", "heldout"))
        try:
            prepare(experiment, folder / "raw", *outputs)
        except PlaitError as error:
            raise PlaitError(str(error).replace(str(raw / file.name), str(file))) from error
        return validate(folder / "prepared", experiment.asked(), experiment.validation)


def _name(text: str) -> str:
    """A name that params.yaml would take."""
    return re.sub(r"[^a-z0-9._+-]", "-", text.lower()).lstrip("._+-")[:80]


def _experiment(name: str, file: Path, columns: Columns) -> Experiment:
    kinds = {
        **dict.fromkeys(columns.labels, "classification"),
        **dict.fromkeys(columns.spans, "tagging"),
    }
    settings: dict[str, Any] = {
        **{section: {} for section in SECTIONS},
        "seed": 0,
        "datasets": {
            name: {
                "reader": "table",
                "files": [{"path": file.name}],
                "text": columns.text,
                "labels": {column: column for column in columns.labels},
                "spans": {column: column for column in columns.spans},
                "split": columns.split,
                "id": columns.id,
            }
        },
        "tasks": {
            _name(column) or f"column{place}": {"dataset": name, "kind": kind, "field": column}
            for place, (column, kind) in enumerate(kinds.items())
        },
    }
    return check(settings, str(file))
