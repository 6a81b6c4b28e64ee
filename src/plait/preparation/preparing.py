"""Raw files → canonical rows, and each candidate's share of them; held-out rows kept apart."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
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

_NAMED = 3
_SHOWN = 1000


@dataclass
class Seen:
    """What one pass over a dataset's rows has found."""

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
    """Write all prepared files.

    `prepared`/DATASET: train.jsonl, dev.jsonl, heldout.fingerprints.jsonl, quarantine.jsonl,
    dataset.json;
    `inputs`/CANDIDATE: train/DATASET.jsonl, dev/DATASET.jsonl, candidate.json;
    `heldout`/CANDIDATE: DATASET.jsonl. A candidate's rows carry the fields that its tasks ask for,
    held-out ones also those that its tasks are sliced by.
    Rows in quarantine stand in no other file than quarantine.jsonl, with the rules at fault.

    Raises:
        PlaitError: a raw file is missing or malformed, or ids repeat.
    """
    with (
        atomic_folder(prepared) as shared,
        atomic_folder(inputs) as given,
        atomic_folder(heldout) as kept,
    ):
        seen = _all_canonical(experiment, raw, shared)
        _quarantine(experiment, shared, seen)
        tasks: dict[str, Task] = {}
        for name, reader in experiment.datasets.items():
            _write_facts(shared / name, raw / name, reader, seen[name])
            tasks |= _tasks(experiment, name, seen[name])
            _distribute(experiment, name, shared / name, given, kept)
            (shared / name / "heldout.jsonl").unlink()
        for candidate in experiment.candidates:
            resolved = resolve(experiment, candidate, tasks)
            write_json(given / candidate / "candidate.json", resolved.as_json())


def resolve(experiment: Experiment, name: str, tasks: Mapping[str, Task]) -> Resolved:
    """A candidate of the experiment with its tasks, training settings and seed looked up."""
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


def _all_canonical(experiment: Experiment, raw: Path, prepared: Path) -> dict[str, Seen]:
    """Write the canonical rows of every dataset, and the fingerprints of its held-out rows."""
    found = {}
    with Progress(len(experiment.datasets), "prepare", "dataset") as bar:
        for name, reader in experiment.datasets.items():
            bar.update(0, dataset=name)
            rows_read = _counted(reader.limited(raw / name, experiment.seed), bar)
            found[name] = _canonical(name, rows_read, prepared / name)
            write_fingerprints(
                prepared / name / "heldout.fingerprints.jsonl",
                rows(prepared / name / "heldout.jsonl"),
                experiment.validation.short_words,
            )
            bar.update()
    return found


def _quarantine(experiment: Experiment, prepared: Path, seen: dict[str, Seen]) -> None:
    """Move the rows that the policy takes out of train and dev to quarantine.jsonl; count anew."""
    from plait.validation.quarantine import quarantined

    faults = quarantined(
        prepared, experiment.asked(), experiment.validation, experiment.mixture_datasets()
    )
    for name in experiment.datasets:
        reasons = faults.get(name, {})
        with atomic_write(prepared / name / "quarantine.jsonl") as taken:
            if reasons:
                seen[name] = _without(prepared / name, reasons, taken)


def _without(folder: Path, reasons: Mapping[str, Sequence[str]], taken: IO[bytes]) -> Seen:
    """Write train and dev again without the rows that have reasons; those go to `taken`."""
    seen = Seen()
    for split in SPLITS:
        kept = []
        for row in rows(folder / f"{split}.jsonl"):
            if split != "heldout" and row.id in reasons:
                found = {**row_to_json(row), "split": split, "reasons": reasons[row.id]}
                taken.write(json_line(found))
                seen.quarantined[split] += 1
            else:
                seen.add(split, row)
                kept.append(row)
        write_rows(folder / f"{split}.jsonl", kept)
    return seen


def _counted(found: Iterator[tuple[Split, Row]], bar: Progress) -> Iterator[tuple[Split, Row]]:
    """The rows; the bar shows how many have been read."""
    for count, row in enumerate(found, 1):
        if count % _SHOWN == 0:
            bar.update(0, rows=count)
        yield row


def _canonical(name: str, found: Iterator[tuple[Split, Row]], folder: Path) -> Seen:
    """Write SPLIT.jsonl for each split, row by row."""
    seen = Seen()
    with ExitStack() as stack:
        files = {split: _open(stack, folder / f"{split}.jsonl") for split in SPLITS}
        for split, row in found:
            seen.add(split, row)
            files[split].write(json_line(row_to_json(row)))
    if seen.repeated:
        named = [
            f"{identity!r} (rows {first} and {again})"
            for identity, (first, again) in list(seen.repeated.items())[:_NAMED]
        ]
        raise PlaitError(
            f"datasets.{name}: {len(seen.repeated)} id(s) occur more than once: "
            f"{', '.join(named)}. Expected each row to have an id of its own: correct the ids, or "
            "leave the repeated rows out."
        )
    return seen


def _open(stack: ExitStack, path: Path) -> IO[bytes]:
    return stack.enter_context(atomic_write(path))


def _write_facts(folder: Path, raw: Path, reader: Reader, seen: Seen) -> None:
    """dataset.json: the settings and bytes that the rows were made from, and what came of them."""
    files = sorted(path for path in raw.rglob("*") if path.is_file())
    write_json(
        folder / "dataset.json",
        {
            "settings": reader.model_dump(mode="json"),
            "raw": {path.relative_to(raw).as_posix(): sha256(path) for path in files},
            "fields": dict(reader.field_kinds()),
            "rows": seen.rows,
            "quarantined": seen.quarantined,
            "sha256": {split: sha256(folder / f"{split}.jsonl") for split in SPLITS},
        },
    )


def _tasks(experiment: Experiment, dataset: str, seen: Seen) -> dict[str, Task]:
    return {
        name: _task(name, settings, seen)
        for name, settings in experiment.tasks.items()
        if settings.dataset == dataset
    }


def _task(name: str, settings: TaskSettings, seen: Seen) -> Task:
    labels = settings.labels if settings.labels is not None else seen.labels[settings.field]
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
    asked = {name: _asked(experiment, name, dataset) for name in experiment.candidates}
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


def _asked(experiment: Experiment, candidate: str, dataset: str) -> list[TaskSettings]:
    tasks = [experiment.tasks[task] for task in experiment.candidates[candidate].tasks]
    return [task for task in tasks if task.dataset == dataset]


def _write_narrow(stream: IO[bytes], row: Row, asked: Collection[str], kept: Sequence[str]) -> None:
    """The row with the kept fields; one that has no label for any asked field is left out."""
    if any(row.labels.get(name) is not None for name in asked):
        labels = {name: row.labels.get(name) for name in kept}
        stream.write(json_line(row_to_json(Row(row.id, row.text, labels))))


def rows(path: Path) -> Iterator[Row]:
    """The rows of a canonical file, one at a time."""
    return map(row_from_json, read_jsonl(path))
