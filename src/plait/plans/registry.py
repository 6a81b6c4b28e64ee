"""Registry: the plan that serves each service in production, and the decisions that led to it.

    registry/bundles/DIGEST/        promoted bundles, named by their content (`plait.bundle.digest`)
    registry/SERVICE/NNNN.json      one decision each, promoted or refused, never changed afterwards
    registry/SERVICE/champion.json  the pointer: the number of the decision that is in production

A promotion copies the bundles, writes its record, then swaps the pointer with one rename, each on
the disk before the next begins: at whatever moment it stops, the pointer names a whole record of
whole bundles, the old champion's or the new one's. Only an altered bundle is ever replaced; a kill
there leaves it or its intact copy. The champions of the past are the chain of `replaces` from the
pointer on; a promoted record outside of that chain was stopped before the swap.

The folder is the state of one installation, like a database, and not of the source: all of it is
git-ignored, for a clone has the bundles no more than the machine that they run on.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from pydantic import TypeAdapter

from plait import bundle
from plait.errors import PlaitError, did_you_mean
from plait.files import atomic_folder, read_json, restore, sweep, write_json

RecordOutcome = Literal["promoted", "refused"]
LOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Record:
    """One decision about a service.

    `tasks` maps each task to the candidate of the plan that answers it, `bundles` a candidate to
    its digest, `scores` a task to its metrics (0–1) on held-out rows, `heldout` a task to the
    sha256 of those rows. `replaces` is the number of the champion at the time. `rejected` says of
    each plan that could not win why. `source` is where it came from: git revision and dvc.lock.
    """

    service: str
    outcome: RecordOutcome
    reason: str
    plan: str | None = None
    tasks: Mapping[str, str] = field(default_factory=dict)
    bundles: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    heldout: Mapping[str, str] = field(default_factory=dict)
    rejected: Mapping[str, str] = field(default_factory=dict)
    replaces: int | None = None
    source: Mapping[str, Any] = field(default_factory=dict)
    time: str = ""
    number: int = 0

    def says_the_same_as(self, other: "Record") -> bool:
        """Whether both records agree in everything but number, time and source."""
        aside = {"number", "time", "source"}
        names = [f.name for f in fields(self) if f.name not in aside]
        return all(getattr(self, name) == getattr(other, name) for name in names)


class Registry:
    """The registry of the project in `root`."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "registry"
        self._bundles = self.folder / "bundles"

    @contextmanager
    def lock(self, seconds: float = LOCK_SECONDS) -> Iterator[None]:
        """Hold the registry for changes; the system lets go of it when the process ends.

        Raises:
            PlaitError: another process holds it for longer than `seconds`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / ".lock"
        try:
            with FileLock(path, timeout=seconds):
                self._sweep()
                yield
        except Timeout as error:
            raise PlaitError(
                f"{path}: another promotion holds the registry for over {seconds:g} s. "
                "Wait until it has ended (`plait promote` waits for its turn) and run again."
            ) from error

    def _sweep(self) -> None:
        """Put back or remove what a killed promotion left half-done."""
        for folder in filter(Path.is_dir, self.folder.iterdir()):
            sweep(folder)

    def services(self) -> list[str]:
        """The services that have a champion."""
        return sorted(path.parent.name for path in self.folder.glob("*/champion.json"))

    def champion(self, service: str) -> Record | None:
        """The decision that is in production.

        Raises:
            PlaitError: pointer or record are damaged.
        """
        pointer = self.folder / service / "champion.json"
        if not pointer.exists():
            return None
        try:
            number = int(read_json(pointer)["record"])
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(pointer, error) from error
        return self.record(service, number)

    def record(self, service: str, number: int) -> Record:
        """A decision by number.

        Raises:
            PlaitError: there is none, or it is damaged.
        """
        path = self._path(service, number)
        try:
            return TypeAdapter(Record).validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            raise _damaged(path, error) from error

    def numbers(self, service: str) -> list[int]:
        """The numbers of all decisions about a service, oldest first."""
        names = [path.stem for path in (self.folder / service).glob("*.json")]
        return sorted(int(name) for name in names if re.fullmatch(r"\d{4,}", name))

    def write(self, record: Record) -> Record:
        """Write a decision, unless it says the same as the latest.

        Returns:
            the record as kept, with its number.
        """
        numbers = self.numbers(record.service)
        if numbers:
            latest = self.record(record.service, numbers[-1])
            if record.says_the_same_as(latest):
                return latest
        number = max(numbers, default=0) + 1
        kept = {**asdict(record), "number": number}
        write_json(self._path(record.service, number), kept)
        return Record(**kept)

    def point(self, record: Record) -> None:
        """Make a kept decision the champion: one rename."""
        write_json(self.folder / record.service / "champion.json", {"record": record.number})

    def _path(self, service: str, number: int) -> Path:
        return self.folder / service / f"{number:04d}.json"

    def add(self, folder: Path) -> str:
        """Copy a bundle in under its digest, which is checked on the copy.

        A copy that is there and intact stays; an altered one is replaced.

        Raises:
            OSError: no space, no permission.
            PlaitError: the copy differs from the bundle.
        """
        digest = bundle.digest(folder)
        if self.intact(digest):
            return digest
        with atomic_folder(self._bundles / digest) as partial:
            _copy(folder, partial)
            found = bundle.digest(partial)
            if found != digest:
                raise PlaitError(
                    f"{folder}: the copy's digest is {found}, expected {digest}; the bundle "
                    "changed while it was copied, or the disk fails. Run `plait promote` again."
                )
        return digest

    def intact(self, digest: str) -> bool:
        """Whether the bundle of that digest is here, unaltered."""
        folder = self._place(digest)
        return folder.is_dir() and bundle.digest(folder) == digest

    def _place(self, digest: str) -> Path:
        """Where a bundle lies, after a kill, too: who reads it doesn't hold the lock."""
        restore(self._bundles / digest)
        return self._bundles / digest

    def bundle(self, digest: str) -> Path:
        """The folder of a promoted bundle.

        Raises:
            PlaitError: it is missing or altered.
        """
        folder = self._place(digest)
        if not folder.is_dir():
            raise PlaitError(f"{folder}: no such bundle. Bring it back with `plait promote`.")
        found = bundle.digest(folder)
        if found != digest:
            raise PlaitError(
                f"{folder}: the bundle was altered: its digest is {found}, expected {digest}. "
                "Bring it back with `plait promote`."
            )
        return folder

    def require(self, service: str | None = None) -> Record:
        """The champion of a service; of the only one where none is named.

        Raises:
            PlaitError: no champion, an unknown service, or several services and none named.
        """
        known = self.services()
        if not known:
            raise PlaitError(
                f"{self.folder}: no service has a champion yet. Promote one: `plait run`."
            )
        if service is None and len(known) > 1:
            raise PlaitError(
                f"{self.folder}: {len(known)} services have a champion ({', '.join(known)}), and "
                f"none was named. Name one, as in `--service {known[0]}`."
            )
        champion = self.champion(service or known[0]) if service in (None, *known) else None
        if champion is None:
            hint = did_you_mean(str(service), known)
            raise PlaitError(f"{self.folder}: service {service!r} has no champion{hint}")
        return champion


def _damaged(path: Path, error: Exception) -> PlaitError:
    found = str(error).splitlines()[0]
    return PlaitError(
        f"{path}: found {found}, expected what `plait promote` wrote. Restore the file, or delete "
        f"{path.parent} (its history with it) and run `plait promote`."
    )


def _copy(source: Path, target: Path) -> None:
    """Copy a folder's files."""
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as original, copy.open("wb") as stream:
            shutil.copyfileobj(original, stream, 1 << 20)
