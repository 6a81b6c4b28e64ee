"""Read a package (`plait.registry.packages`), and refuse one of which a byte was altered."""

from pathlib import Path

from plait import bundle
from plait.errors import PlaitError
from plait.registry.records import Record, read_record


def unpack(folder: Path) -> tuple[Record, dict[str, Path]]:
    """The record of a package, and its candidates' bundles, all of them intact.

    Raises:
        PlaitError: it is no package, or a file of it was altered.
    """
    if not (folder / "record.json").is_file():
        raise PlaitError(
            f"{folder}: found no record.json, expected what `plait publish` makes and `dvc "
            "artifacts get` brings."
        )
    record = read_record(folder / "record.json")
    if odd := [name for name in record.bundles if name in (".", "..") or Path(name).name != name]:
        raise PlaitError(f"{folder / 'record.json'}: found candidate {odd[0]!r}, expected a name.")
    bundles = {name: folder / "bundles" / name for name in record.bundles}
    for name, path in bundles.items():
        found = bundle.digest(path) if path.is_dir() else "no folder"
        if found != record.bundles[name]:
            raise PlaitError(
                f"{path}: found {found}, expected the bundle {record.bundles[name]} that the "
                "record names. Get the package again."
            )
    return record, bundles


def history(folder: Path) -> list[Record]:
    """All acts in a package, oldest first.

    Raises:
        PlaitError: one was altered, or is missing from the chain.
    """
    found = [read_record(path) for path in sorted((folder / "history").glob("*.json"))]
    for number, (before, after) in enumerate(zip([None, *found], found, strict=False), 1):
        if after.number != number or after.previous != (before.seal if before else ""):
            raise PlaitError(
                f"{folder / 'history'}: record {after.number} does not follow the one before it; "
                "a record is missing or was replaced. Get the package again."
            )
    return found
