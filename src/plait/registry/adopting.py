"""Adopting: the registry of an earlier version, or one that lay elsewhere, is taken over."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from plait.errors import PlaitError
from plait.files import atomic_folder
from plait.registry.location import TOP, earlier, registry_folder
from plait.registry.records import Record, damaged, write_record
from plait.registry.sealed import SEAL, write_sealed

_FORMER = frozenset(f.name for f in fields(Record)) - {"act", "stage", "previous"}


def adopt(root: Path) -> list[str]:
    """Write the registry in `root`/registry anew where it lies today, with all champions.

    Records keep their numbers and what they say; each is sealed and follows the one before it.

    Returns:
        the services.

    Raises:
        PlaitError: there is nothing to take over, a registry lies there already, or a file of the
            earlier one is damaged. Nothing was written then.
    """
    old, new = root / TOP, registry_folder(root)
    if not earlier(root):
        raise PlaitError(
            f"{old}: found no registry that could be taken over, or one that is in use: "
            f"{new} has what there is."
        )
    with atomic_folder(new) as made:
        if (old / "bundles").is_dir():
            shutil.copytree(old / "bundles", made / "bundles")
        services = [folder.name for folder in _services(old)]
        for folder in _services(old):
            _take_over(folder, made / folder.name)
    return services


def _services(old: Path) -> Iterator[Path]:
    yield from sorted(path.parent for path in old.glob("*/0001.json"))


def _take_over(old: Path, new: Path) -> None:
    """The records and the pointer of one service."""
    if SEAL in _read(old / "0001.json"):  # of this version
        shutil.copytree(old, new)
        return
    previous, seals = "", {}
    for path in sorted(old.glob("[0-9]*.json")):
        value = _read(path)
        kept = {name: value[name] for name in value.keys() & _FORMER}
        record = Record(**kept, previous=previous)
        write_record(new / path.name, record)
        previous = seals[record.number] = record.seal
    pointer = old / "champion.json"
    if not pointer.exists():
        return
    number = _read(pointer).get("record")
    if number not in seals:
        raise damaged(pointer, ValueError(f"record {number}, which isn't there"))
    write_sealed(new / "production.json", {"record": number, "seal": seals[number]})


def _read(path: Path) -> Any:
    try:
        value = json.loads(path.read_bytes())
        if not isinstance(value, dict):
            raise ValueError("no JSON object")
    except (OSError, ValueError) as error:
        raise damaged(path, error) from error
    return value
