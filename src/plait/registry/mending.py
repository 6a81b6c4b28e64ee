"""Mending: what brings an altered record, pointer or file of answers back."""

from collections.abc import Callable, Sequence
from pathlib import Path

from plait.files import atomic_write
from plait.registry.holds import serves
from plait.registry.records import Record, Stage
from plait.registry.sealed import repaired
from plait.registry.store import LOST, Registry

Bring = Callable[[str, str], bool]
"""Tries to bring a bundle back, by candidate and digest; whether it is intact then."""
TURNED = "a flipped bit turned back"
TRIED = 100_000
"""Bytes of the longest file in which a flipped bit is looked for: half a minute and more."""


class Unmended(Exception):  # noqa: N818 - a state of affairs, not an error
    """It could not be mended; the text says what is left to do."""


def mend_record(path: Path) -> str:
    """Turn a flipped bit back; else set the record aside, so that its number stays taken.

    Returns:
        what was done.
    """
    if _turned_back(path):
        return TURNED
    aside = path.with_suffix(LOST)
    if path.exists():
        path.rename(aside)
    else:
        aside.touch()
    return f"set aside as {aside.name}; what it said is lost"


def mend_pointer(registry: Registry, service: str, stage: Stage, expected: Record | None) -> str:
    """Turn a flipped bit back; else name the champion that the history shows.

    Raises:
        Unmended: it shows none.
    """
    if _turned_back(registry.pointer(service, stage)):
        return TURNED
    if expected is None:
        raise Unmended(
            f"no readable record of {service} made a plan champion in {stage}: `plait pull "
            f"{service}` brings a published one, `plait promote {service}` judges anew"
        )
    registry.point(expected)
    return f"set to record {expected.number}, which the history shows"


def mend_answers(path: Path) -> str:
    """Turn a flipped bit back; else remove the file: answers are made again when needed."""
    if _turned_back(path):
        return TURNED
    path.unlink()
    return "removed; they are made again when they are needed"


def _turned_back(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size > TRIED:
        return False
    content = repaired(path.read_bytes())
    if content is None:
        return False
    with atomic_write(path) as stream:
        stream.write(content)
    return True


def last_champion(history: Sequence[Record], stage: Stage) -> Record | None:
    """The record that a stage's pointer should name, by the records alone.

    Each act says which record the pointer named before it, so that one that was stopped before it
    moved the pointer doesn't count, unless it is the last.
    """
    by_number = {record.number: record for record in history}
    named: int | None = None
    for record in history:
        if record.stage == stage:
            if record.replaces is not None and record.act in ("promote", "rollback", "pull"):
                named = record.replaces
            if serves(record):
                named = record.number
    return by_number.get(named) if named is not None else None
