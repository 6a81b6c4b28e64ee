"""A package: a folder that holds all of a service's champion, to publish and to load anywhere.

README.md          the model card
record.json        the record that is served
history/NNNN.json  all acts on the service, up to now
bundles/CANDIDATE  the plan's bundles
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from plait import bundle
from plait.approaches.base import Resolved
from plait.errors import PlaitError
from plait.files import atomic_write, read_json
from plait.registry.cards import card
from plait.registry.records import Record, write_record
from plait.registry.store import LOCK_SECONDS, Registry


@contextmanager
def alone(registry: Registry) -> Iterator[Path]:
    """A folder to publish from or to pull into, for one process at a time.

    It is not the registry's own lock: a promotion needn't wait for an upload.

    Raises:
        PlaitError: another process holds it for a minute.
    """
    registry.folder.mkdir(parents=True, exist_ok=True)
    scratch = registry.folder / ".sharing"
    try:
        with FileLock(registry.folder / ".sharing.lock", timeout=LOCK_SECONDS):
            shutil.rmtree(scratch, ignore_errors=True)  # a killed one's
            scratch.mkdir()
            try:
                yield scratch
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except Timeout as error:
        raise PlaitError(
            f"{scratch}.lock: another publication or pull goes on for over {LOCK_SECONDS:g} s. "
            "Wait until it has ended and run again."
        ) from error


def pack(registry: Registry, record: Record, folder: Path) -> None:
    """Write the package of a record into a new folder; bundles are hard links where possible.

    Raises:
        PlaitError: a bundle or a record is missing or altered.
        OSError: no space, no permission.
    """
    found: dict[str, Resolved] = {}
    for candidate, digest in record.bundles.items():
        source = registry.bundle(digest)
        found[candidate] = _resolved(source)
        shutil.copytree(source, folder / "bundles" / candidate, copy_function=_link)
    write_record(folder / "record.json", record)
    for number in registry.numbers(record.service):
        kept = registry.record(record.service, number)
        write_record(folder / "history" / f"{number:04d}.json", kept)
    (folder / "README.md").write_text(card(record, found), encoding="utf-8")


def registered_card(registry: Registry, record: Record) -> str:
    """The model card of a record whose bundles are in the registry.

    Raises:
        PlaitError: a bundle is missing or altered.
    """
    return card(record, {name: _resolved(registry.bundle(d)) for name, d in record.bundles.items()})


def keep_card(registry: Registry, record: Record) -> None:
    """Write the model card of a kept record beside it.

    Raises:
        PlaitError: a bundle is missing or altered.
        OSError: no space, no permission.
    """
    kept = registry.record(record.service, record.number)  # in the order that its file has
    with atomic_write(registry.path(record.service, record.number).with_suffix(".md")) as stream:
        stream.write(registered_card(registry, kept).encode())


def _resolved(folder: Path) -> Resolved:
    value = read_json(folder / bundle.CANDIDATE)
    return Resolved.from_json({key: v for key, v in value.items() if key != "format"})


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, target)
