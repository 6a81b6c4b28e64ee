"""Check one file of the user without a project, as the dataset of a temporary experiment."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from plait.datasets.places import targets
from plait.datasets.table import shared_columns
from plait.errors import PlaitError
from plait.experiment import naming
from plait.experiment.editing import Additions
from plait.experiment.schema import Experiment
from plait.preparation.trial import alone, prepared_report
from plait.sources.local import found_files
from plait.strict_yaml import parse
from plait.validation.report import Report


@dataclass(frozen=True)
class Columns:
    """The columns of the file: text, labels, spans, split, id, and those of several labels a row,
    which are a JSON list or have `separator` between them.
    """

    text: str
    labels: tuple[str, ...]
    spans: tuple[str, ...] = ()
    split: str | None = None
    id: str | None = None
    label_sets: tuple[str, ...] = ()
    separator: str | None = None

    def mistakes(self) -> Iterator[str]:
        """Contradictions between the columns, named by the command line's options."""
        if not self.labels and not self.label_sets and not self.spans:
            yield (
                "no column of labels is named. Add --label-field COLUMN (or --label-set-field, "
                "--spans-field)."
            )
        if self.separator and not self.label_sets:
            yield "--separator: stands between the labels of --label-set-field COLUMN; name it."
        uses = [("--text-field", self.text), ("--split-field", self.split), ("--id-field", self.id)]
        uses += [("--label-field", column) for column in self.labels]
        uses += [("--label-set-field", column) for column in self.label_sets]
        uses += [("--spans-field", column) for column in self.spans]
        yield from shared_columns(uses)


def check_file(
    file: Path,
    columns: Columns,
    dev: float = 0.1,
    heldout: float = 0.2,
    settings: Sequence[str] = (),
) -> Report:
    """Check a file, folder or pattern with the default limits; nothing is left on disk.

    Args:
        dev, heldout: shares (0–1) of the rows that are drawn for a split that the file lacks.
        settings: further ones of the reader, `NAME=VALUE` with a value as in params.yaml.

    Raises:
        PlaitError: the file is missing or malformed (names the line), no column of labels or spans
            is named, a column is named twice, or a share is none (all such mistakes are listed).
    """
    there = found_files(str(file))
    shares = {"--dev": dev, "--heldout": heldout}
    wrong = [
        f"{option}: found {share:g}, expected a share of the rows between 0 and 1, such as 0.1"
        for option, share in shares.items()
        if not 0 < share < 1
    ]
    if mistakes := [*columns.mistakes(), *wrong]:
        raise PlaitError("\n  ".join([f"{file}: {len(mistakes)} mistake(s)", *mistakes]))
    name = naming.valid(file.stem, "file")
    more = {"fractions": {"dev": dev, "heldout": heldout}, **dict(map(_setting, settings))}
    experiment = _experiment(name, file, columns, more)
    with tempfile.TemporaryDirectory(prefix="plait-validate-") as scratch:
        folder = Path(scratch)
        target = folder / "raw" / name / targets([str(file)])[str(file)]
        for part, path in there.items():
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            (target / part).symlink_to(path.resolve())
        return prepared_report(experiment, folder / "raw", folder)


def _setting(option: str) -> tuple[str, Any]:
    """`delimiter=;` → its name and its value."""
    name, equals, value = option.partition("=")
    if not equals:
        raise PlaitError(f"--set {option}: expected NAME=VALUE, such as encoding=cp1252.")
    if not re.search(r"\w", value):  # a delimiter, which may be a mark of YAML
        return name, value
    try:
        return name, parse(value)
    except YAMLError as error:
        why = str(error).partition("\n")[0]
        raise PlaitError(f"--set {option}: the value is not YAML ({why}). Quote it.") from error


def _experiment(dataset: str, file: Path, columns: Columns, more: Mapping[str, Any]) -> Experiment:
    fields = {
        "classification": columns.labels,
        "multilabel": columns.label_sets,
        "tagging": columns.spans,
    }
    names = naming.unique((each for of_kind in fields.values() for each in of_kind), "column")
    separated = {"separator": columns.separator} if columns.separator else {}
    settings: Additions = {
        "datasets": {
            dataset: {
                "reader": "table",
                "files": [{"path": str(file)}],
                "text": columns.text,
                "labels": {names[column]: column for column in columns.labels},
                "label_sets": {
                    names[column]: {"column": column, **separated} for column in columns.label_sets
                },
                "spans": {names[column]: column for column in columns.spans},
                "split": columns.split,
                "id": columns.id,
                **more,
            }
        },
        "tasks": {
            name: {"dataset": dataset, "kind": kind, "field": name}
            for kind, of_kind in fields.items()
            for name in (names[column] for column in of_kind)
        },
    }
    return alone(settings, str(file))
