"""Bundle: a trained candidate on disk (safetensors, what `load` needs, a model card, coverage)."""

import hashlib
from pathlib import Path

from safetensors import SafetensorError

from plait.approaches.base import Approach, Resolved
from plait.approaches.loading import approach
from plait.approaches.reading.coverage import Splits, as_json, from_json
from plait.errors import PlaitError
from plait.files import atomic_folder, read_json, restore, sha256, write_json
from plait.pages.markdown import escape

CANDIDATE = "bundle.json"
COVERAGE = "coverage.json"
STOPPED = "stopped.json"
FORMAT = 4


def save(model: Approach, candidate: Resolved, folder: Path, read: Splits | None = None) -> None:
    """Write a bundle, whole or not at all: a failure leaves an old bundle as it was.

    Args:
        read: how much the model reads of the rows that it was trained and chosen by.

    Raises:
        PlaitError: the disk is full or the folder cannot be written.
    """
    try:
        with atomic_folder(folder) as partial:
            model.save(partial)
            write_json(partial / CANDIDATE, {"format": FORMAT, **candidate.as_json()})
            write_json(partial / COVERAGE, as_json(read or {}))
            (partial / "README.md").write_text(card(candidate, model), encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise PlaitError(
            f"{folder}: the bundle could not be written ({error}); nothing half-written is left. "
            "Free some disk space: the next run makes the bundle. DVC removes an old one before it "
            f"runs the stage; `dvc checkout {folder}` brings that back meanwhile."
        ) from error


def leave_out(folder: Path, reason: str) -> None:
    """Write why there is no bundle: the candidate isn't trained, and the others go on."""
    with atomic_folder(folder) as partial:
        write_json(partial / STOPPED, {"reason": reason})


def stopped(folder: Path) -> str | None:
    """Why a candidate was not trained; None where it was, or its training is still to come."""
    path = folder / STOPPED
    return str(read_json(path)["reason"]) if path.is_file() else None


def load(folder: Path) -> tuple[Resolved, Approach]:
    """Load a bundle; runs no code from it.

    Raises:
        PlaitError: the folder holds no bundle, or one of another format.
    """
    candidate = resolved(folder)
    return candidate, approach(candidate.approach).load(folder, candidate.tasks)


def resolved(folder: Path) -> Resolved:
    """What a bundle says of its candidate.

    Raises:
        PlaitError: the folder holds no bundle, or one of another format.
    """
    restore(folder)
    if reason := stopped(folder):
        raise PlaitError(
            f"{folder}: no bundle here: the candidate was {reason}. Correct the data, or set the "
            "policy of the rule in params.yaml, and run again."
        )
    if not (folder / CANDIDATE).is_file():
        raise PlaitError(f"{folder}: no bundle here (no {CANDIDATE}). Train it: `dvc repro`.")
    value = read_json(folder / CANDIDATE)
    if (found := value.pop("format", None)) != FORMAT:
        raise PlaitError(
            f"{folder / CANDIDATE}: a bundle of format {found}, expected {FORMAT}: it was made by "
            "another version of plait. Train it again, or load it with that version."
        )
    return Resolved.from_json(value)


def coverage(folder: Path) -> Splits:
    """How much a bundle's model reads of the rows that it was trained and chosen by.

    Raises:
        PlaitError: the bundle doesn't say so.
    """
    path = folder / COVERAGE
    if not path.is_file():
        raise PlaitError(
            f"{path}: no such file, so the bundle was made by another version of plait. "
            "Train it again: `dvc repro`."
        )
    return from_json(read_json(path))


def digest(folder: Path) -> str:
    """sha256 over the names and bytes of all files of a bundle."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(f"{path.relative_to(folder).as_posix()} {sha256(path)}\n".encode())
    return total.hexdigest()


def card(candidate: Resolved, model: Approach) -> str:
    """The model card: what the bundle is, what it answers, how it was trained."""
    tasks = "\n".join(
        f"| {escape(task.name)} | {task.kind} | {escape(f'{task.dataset}.{task.field}')} | "
        f"{len(task.labels)} |"
        for task in candidate.tasks
    )
    settings = "\n".join(
        f"- {escape(key)}: {escape(str(value))}"
        for key, value in sorted(candidate.training.items())
    )
    notes = "".join(f"\n{escape(sentence)}\n" for sentence in model.notes())
    return f"""# {escape(candidate.name)}

Backbone {escape(candidate.backbone)}, approach {candidate.approach}, method {candidate.method},
seed {candidate.seed}, {model.parameters_count():,} parameters.

| task | kind | data | labels |
|---|---|---|---|
{tasks}

Load it with `plait.bundle.load(folder)`. Scores on held-out rows stand in `scores/` of the
pipeline that made it.
{notes}
Training settings:

{settings}
"""
