"""Raw files → canonical rows and the inputs of each candidate; held-out rows go elsewhere."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from plait.approaches.base import Resolved
from plait.datasets.base import Reader
from plait.errors import PlaitError
from plait.experiment.schema import Experiment, TaskSettings
from plait.files import atomic_folder, atomic_write, json_line, read_jsonl, sha256, write_json
from plait.progress import Progress
from plait.tasks import (
    SPLITS,
    Row,
    Split,
    Task,
    label_names,
    row_from_json,
    row_to_json,
    write_rows,
)
from plait.validation.fingerprints import write_fingerprints

_IDS_NAMED = 3
_ROWS_PER_UPDATE = 1000


@dataclass
class DatasetScan:
    """Counts, labels and ids from one pass over the rows of a dataset.

    Attributes:
        labels: field → labels of the training rows.
        places: id → number of its first row.
        repeated: id → numbers of its first and second row.
    """

    rows: dict[Split, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))
    quarantined: dict[Split, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))
    labels: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    places: dict[str, int] = field(default_factory=dict)
    repeated: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, split: Split, row: Row) -> None:
        place = sum(self.rows.values()) + 1
        first = self.places.setdefault(row.id, place)
        if first != place:
            self.repeated.setdefault(row.id, (first, place))
        self.rows[split] += 1
        if split == "train":
            for name, label in row.labels.items():
                self.labels[name].update(label_names(label))


def prepare(experiment: Experiment, raw: Path, prepared: Path, inputs: Path, heldout: Path) -> None:
    """Write all prepared files:

    `prepared`/DATASET: train.jsonl, dev.jsonl, heldout.fingerprints.jsonl, quarantine.jsonl,
    dataset.json;
    `inputs`/CANDIDATE: train/DATASET.jsonl, dev/DATASET.jsonl, candidate.json;
    `heldout`/CANDIDATE: DATASET.jsonl.

    A candidate's rows have the fields of its tasks; held-out rows also have the fields of their
    `slices`. A quarantined row is in quarantine.jsonl only, with the rules that it breaks.

    Raises:
        PlaitError: a raw file is missing or malformed, or ids repeat.
    """
    with (
        atomic_folder(prepared) as shared,
        atomic_folder(inputs) as candidate_inputs,
        atomic_folder(heldout) as kept,
    ):
        scans = _write_canonical_rows(experiment, raw, shared)
        _quarantine(experiment, shared, scans)
        tasks: dict[str, Task] = {}
        for name, reader in experiment.datasets.items():
            _write_description(shared / name, raw / name, reader, scans[name])
            tasks |= _tasks(experiment, name, scans[name])
            _distribute(experiment, name, shared / name, candidate_inputs, kept)
            (shared / name / "heldout.jsonl").unlink()
        for candidate in experiment.candidates:
            resolved = resolve(experiment, candidate, tasks)
            write_json(candidate_inputs / candidate / "candidate.json", resolved.as_json())


def resolve(experiment: Experiment, name: str, tasks: Mapping[str, Task]) -> Resolved:
    """A candidate with its tasks, training settings and seed filled in."""
    candidate = experiment.candidates[name]
    return Resolved(
        name=name,
        backbone=candidate.backbone,
        approach=candidate.approach,
        method=candidate.method,
        tasks=tuple(tasks[task] for task in candidate.tasks),
        training=experiment.training_of(name).model_dump(mode="json"),
        seed=experiment.seed if candidate.seed is None else candidate.seed,
        options=candidate.options,
    )


def _write_canonical_rows(
    experiment: Experiment, raw: Path, prepared: Path
) -> dict[str, DatasetScan]:
    """Write the canonical rows of every dataset and the fingerprints of its held-out rows."""
    found = {}
    with Progress(len(experiment.datasets), "prepare", "dataset") as bar:
        for name, reader in experiment.datasets.items():
            bar.update(0, dataset=name)
            rows_read = _counted(reader.limited(raw / name, experiment.seed), bar)
            found[name] = _write_splits(name, rows_read, prepared / name)
            write_fingerprints(
                prepared / name / "heldout.fingerprints.jsonl",
                rows(prepared / name / "heldout.jsonl"),
                experiment.validation.short_words,
            )
            bar.update()
    return found


def _quarantine(experiment: Experiment, prepared: Path, scans: dict[str, DatasetScan]) -> None:
    """Move quarantined rows of train and dev to quarantine.jsonl, and update the scans."""
    from plait.validation.quarantine import quarantined

    faults = quarantined(
        prepared, experiment.declared_tasks(), experiment.validation, experiment.mixture_datasets()
    )
    for name in experiment.datasets:
        reasons = faults.get(name, {})
        with atomic_write(prepared / name / "quarantine.jsonl") as taken:
            if reasons:
                scans[name] = _without(prepared / name, reasons, taken)


def _without(folder: Path, reasons: Mapping[str, Sequence[str]], taken: IO[bytes]) -> DatasetScan:
    """Write the splits again without the rows that have reasons; those go to `taken`."""
    scan = DatasetScan()
    for split in SPLITS:
        path = folder / f"{split}.jsonl"
        write_rows(path, _kept(split, rows(path), reasons, scan, taken))
    return scan


def _kept(
    split: Split,
    found: Iterable[Row],
    reasons: Mapping[str, Sequence[str]],
    scan: DatasetScan,
    taken: IO[bytes],
) -> Iterator[Row]:
    """The rows that stay; `scan` counts all of them."""
    for row in found:
        if split != "heldout" and row.id in reasons:
            moved = {**row_to_json(row), "split": split, "reasons": reasons[row.id]}
            taken.write(json_line(moved))
            scan.quarantined[split] += 1
        else:
            scan.add(split, row)
            yield row


def _counted(rows_read: Iterator[tuple[Split, Row]], bar: Progress) -> Iterator[tuple[Split, Row]]:
    """Pass the rows through; the bar shows how many have been read."""
    for count, row in enumerate(rows_read, 1):
        if count % _ROWS_PER_UPDATE == 0:
            bar.update(0, rows=count)
        yield row


def _write_splits(name: str, rows_read: Iterator[tuple[Split, Row]], folder: Path) -> DatasetScan:
    """Write SPLIT.jsonl for each split, row by row."""
    scan = DatasetScan()
    with ExitStack() as stack:
        files = {split: _open(stack, folder / f"{split}.jsonl") for split in SPLITS}
        for split, row in rows_read:
            scan.add(split, row)
            files[split].write(json_line(row_to_json(row)))
    if scan.repeated:
        named = [
            f"{identity!r} (rows {first} and {again})"
            for identity, (first, again) in list(scan.repeated.items())[:_IDS_NAMED]
        ]
        raise PlaitError(
            f"datasets.{name}: {len(scan.repeated)} id(s) occur more than once: "
            f"{', '.join(named)}. Expected a unique id for each row: correct the ids, or remove "
            "the repeated rows."
        )
    return scan


def _open(stack: ExitStack, path: Path) -> IO[bytes]:
    return stack.enter_context(atomic_write(path))


def _write_description(folder: Path, raw: Path, reader: Reader, scan: DatasetScan) -> None:
    """Write dataset.json: the settings, raw files, row counts and digests of a dataset."""
    files = sorted(path for path in raw.rglob("*") if path.is_file())
    write_json(
        folder / "dataset.json",
        {
            "settings": reader.model_dump(mode="json"),
            "raw": {path.relative_to(raw).as_posix(): sha256(path) for path in files},
            "fields": dict(reader.field_kinds()),
            "rows": scan.rows,
            "quarantined": scan.quarantined,
            "sha256": {split: sha256(folder / f"{split}.jsonl") for split in SPLITS},
        },
    )


def _tasks(experiment: Experiment, dataset: str, scan: DatasetScan) -> dict[str, Task]:
    return {
        name: _task(name, settings, scan)
        for name, settings in experiment.tasks.items()
        if settings.dataset == dataset
    }


def _task(name: str, settings: TaskSettings, scan: DatasetScan) -> Task:
    labels = settings.labels if settings.labels is not None else scan.labels[settings.field]
    return Task(
        name=name,
        dataset=settings.dataset,
        kind=settings.kind,
        field=settings.field,
        labels=tuple(sorted(labels)),
        metric=settings.headline(),
        prompt=settings.prompt,
    )


def _distribute(
    experiment: Experiment, dataset: str, shared: Path, inputs: Path, heldout: Path
) -> None:
    """Write each candidate's rows of a dataset, in one pass over each split."""
    asked = {name: _tasks_on(experiment, name, dataset) for name in experiment.candidates}
    fields = {name: frozenset(task.field for task in tasks) for name, tasks in asked.items()}
    sliced = {name: frozenset(f for t in tasks for f in t.slices) for name, tasks in asked.items()}
    for split in SPLITS:
        with ExitStack() as stack:
            files = [
                (
                    _open(stack, _place(split, inputs / name, heldout / name, dataset)),
                    wanted,
                    sorted(wanted | sliced[name] if split == "heldout" else wanted),
                )
                for name, wanted in fields.items()
                if wanted
            ]
            for row in rows(shared / f"{split}.jsonl"):
                for stream, wanted, kept in files:
                    _write_narrow(stream, row, wanted, kept)


def _place(split: Split, inputs: Path, heldout: Path, dataset: str) -> Path:
    folder = heldout if split == "heldout" else inputs / split
    return folder / f"{dataset}.jsonl"


def _tasks_on(experiment: Experiment, candidate: str, dataset: str) -> list[TaskSettings]:
    tasks = [experiment.tasks[task] for task in experiment.candidates[candidate].tasks]
    return [task for task in tasks if task.dataset == dataset]


def _write_narrow(stream: IO[bytes], row: Row, asked: Collection[str], kept: Sequence[str]) -> None:
    """Write the row with the kept fields, unless it has no label for any asked field."""
    if any(row.labels.get(name) is not None for name in asked):
        labels = {name: row.labels.get(name) for name in kept}
        stream.write(json_line(row_to_json(Row(row.id, row.text, labels))))


def rows(path: Path) -> Iterator[Row]:
    """The rows of a canonical file, one at a time."""
    return map(row_from_json, read_jsonl(path))
