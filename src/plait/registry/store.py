"""The store: a registry's records, pointers and bundles, each written whole or not at all.

    bundles/DIGEST/           promoted bundles, named by their content (`plait.bundle.digest`)
    answers/DIGEST/ROWS.json  a bundle's answers to held-out rows, by the sha256 of these rows
    SERVICE/NNNN.json         one act each (`plait.registry.records`), never changed afterwards
    SERVICE/NNNN.md           the model card of a plan that came into service
    SERVICE/STAGE.json        the pointer: the record whose plan is served at that stage

An act copies the bundles, writes its record, then swaps the pointer with one rename, each on the
disk before the next begins: at whatever moment it stops, the pointer names a whole record of whole
bundles, the old champion's or the new one's. Only an altered bundle is ever replaced; a kill there
leaves it or its intact copy. The champions of the past are the chain of `replaces` from the pointer
on; a promoted record outside of that chain was stopped before the swap.
"""

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from plait import bundle
from plait.errors import PlaitError, did_you_mean
from plait.files import atomic_folder, remove, restore, sweep
from plait.registry.location import registry_folder, require_adopted
from plait.registry.records import Record, Stage, damaged, read_record, write_record
from plait.registry.sealed import read_sealed, write_sealed

LOCK_SECONDS = 60.0
LOST = ".damaged"
"""Ending of a damaged record's file that was set aside: its number is not given again."""
_NO_SERVICES = {"bundles", "answers"}
Answers = Iterable[Mapping[str, Any]]
"""Lines with `id`, `gold` and `answer` of a task's held-out rows."""


class Registry:
    """The registry of the project in `root`.

    Raises:
        PlaitError: that of an earlier version has not been taken over.
    """

    def __init__(self, root: Path) -> None:
        require_adopted(root)
        self.folder = registry_folder(root)
        self._bundles = self.folder / "bundles"

    @contextmanager
    def lock(self, seconds: float = LOCK_SECONDS) -> Iterator[None]:
        """Hold the registry for changes; the system lets go of it when the process ends.

        Raises:
            PlaitError: another process holds it for longer than `seconds`.
        """
        from filelock import FileLock, Timeout  # who only reads needn't wait for its import

        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / ".lock"
        try:
            with FileLock(path, timeout=seconds):
                self._sweep()
                yield
        except Timeout as error:
            raise PlaitError(
                f"{path}: another act holds the registry for over {seconds:g} s. "
                "Wait until it has ended (each act waits for its turn) and run again."
            ) from error

    def _sweep(self) -> None:
        """Put back or remove what a killed act left half-done."""
        for folder in filter(Path.is_dir, self.folder.iterdir()):
            sweep(folder)

    def services(self, stage: Stage = "production") -> list[str]:
        """The services that have a champion at a stage."""
        return sorted(path.parent.name for path in self.folder.glob(f"*/{stage}.json"))

    def known(self) -> list[str]:
        """The services that have a history."""
        return sorted({path.parent.name for path in self.folder.glob("*/[0-9]*.*")} - _NO_SERVICES)

    def require_known(self, service: str) -> None:
        """Raise `PlaitError` for a service without a history."""
        if service not in (known := self.known()):
            hint = did_you_mean(service, known)
            raise PlaitError(f"{self.folder}: service {service!r} has no history{hint}")

    def champion(self, service: str, stage: Stage = "production") -> Record | None:
        """The record whose plan is served at a stage.

        Raises:
            PlaitError: pointer or record are damaged.
        """
        pointer = self.pointer(service, stage)
        if not pointer.exists():
            return None
        try:
            value = read_sealed(pointer)
            number, seal = int(value["record"]), value["seal"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise damaged(pointer, error) from error
        record = self.record(service, number)
        if record.seal != seal:
            raise damaged(pointer, ValueError(f"the seal {seal} for record {number}"))
        return record

    def pointed(self, service: str, stage: Stage = "production") -> int | None:
        """The number that a pointer names; None where there is no pointer, or a damaged one."""
        try:
            return int(read_sealed(self.pointer(service, stage))["record"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def record(self, service: str, number: int) -> Record:
        """An act by number.

        Raises:
            PlaitError: there is none, or it is damaged.
        """
        return read_record(self.path(service, number))

    def numbers(self, service: str) -> list[int]:
        """The numbers of all acts on a service, oldest first."""
        return self._numbers(service, ".json")

    def lost(self, service: str) -> list[int]:
        """The numbers of records that were damaged and set aside."""
        return self._numbers(service, LOST)

    def _numbers(self, service: str, suffix: str) -> list[int]:
        names = [path.stem for path in (self.folder / service).glob(f"*{suffix}")]
        return sorted(int(name) for name in names if re.fullmatch(r"\d{4,}", name))

    def history(self, service: str) -> list[Record]:
        """All acts on a service, oldest first.

        Raises:
            PlaitError: a record is damaged.
        """
        return [self.record(service, number) for number in self.numbers(service)]

    def write(self, record: Record) -> Record:
        """Write an act, unless it says the same as the latest.

        Returns:
            the record as kept, with its number.
        """
        numbers = self.numbers(record.service)
        latest = self.record(record.service, numbers[-1]) if numbers else None
        if latest and record.says_the_same_as(latest):
            return latest
        number = max([*numbers, *self.lost(record.service)], default=0) + 1
        kept = replace(record, number=number, previous=latest.seal if latest else "")
        write_record(self.path(kept.service, number), kept)
        return kept

    def point(self, record: Record) -> None:
        """Make a kept record the champion of its stage: one rename."""
        pointer = {"record": record.number, "seal": record.seal}
        write_sealed(self.pointer(record.service, record.stage), pointer)

    def path(self, service: str, number: int) -> Path:
        """The file of an act."""
        return self.folder / service / f"{number:04d}.json"

    def pointer(self, service: str, stage: Stage) -> Path:
        """The file that names a stage's champion."""
        return self.folder / service / f"{stage}.json"

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
                    "changed while it was copied, or the disk fails. Run the command again."
                )
        return digest

    def bundles(self) -> list[str]:
        """The digests of all bundles that are here, intact or not."""
        found = self._bundles.iterdir() if self._bundles.is_dir() else []
        return sorted(path.name for path in found if re.fullmatch(r"[0-9a-f]{64}", path.name))

    def size(self, digest: str) -> int:
        """Bytes of a bundle's files."""
        return sum(path.stat().st_size for path in self._place(digest).rglob("*") if path.is_file())

    def discard(self, digest: str) -> None:
        """Remove a bundle and its answers, each whole or not at all."""
        for folder in (self._bundles / digest, self.folder / "answers" / digest):
            if folder.is_dir():
                remove(folder)

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
        remedy = "`plait registry verify` says how to bring it back."
        if not folder.is_dir():
            raise PlaitError(f"{folder}: no such bundle. {remedy}")
        found = bundle.digest(folder)
        if found != digest:
            raise PlaitError(
                f"{folder}: the bundle was altered: its digest is {found}, expected {digest}. "
                f"{remedy}"
            )
        return folder

    def keep_answers(self, digest: str, rows: str, answers: Answers) -> None:
        """Keep a bundle's answers to the held-out rows of a task, for later comparisons.

        Args:
            rows: sha256 of the rows (`plait.benchmark.heldout.rows_digests`).
        """
        write_sealed(self._answers(digest, rows), {"rows": rows, "answers": list(answers)})

    def answers(self, digest: str, rows: str) -> list[Mapping[str, Any]] | None:
        """A bundle's answers to the held-out rows of a task; None if they were not kept.

        Raises:
            PlaitError: the file was altered.
        """
        path = self._answers(digest, rows)
        if not path.exists():
            return None
        try:
            found: list[Mapping[str, Any]] = read_sealed(path)["answers"]
        except (OSError, ValueError, KeyError) as error:
            raise damaged(path, error) from error
        return found

    def _answers(self, digest: str, rows: str) -> Path:
        return self.folder / "answers" / digest / f"{rows}.json"

    def require(self, service: str | None = None, stage: Stage = "production") -> Record:
        """The champion of a service; of the only one where none is named.

        Raises:
            PlaitError: no champion, an unknown service, or several services and none named.
        """
        known = self.services(stage)
        if not known:
            raise PlaitError(
                f"{self.folder}: no service has a champion in {stage} yet. Promote one: "
                "`plait run`."
            )
        if service is None and len(known) > 1:
            raise PlaitError(
                f"{self.folder}: {len(known)} services have a champion ({', '.join(known)}), and "
                f"none was named. Name one, as in `--service {known[0]}`."
            )
        champion = self.champion(service or known[0], stage) if service in (None, *known) else None
        if champion is None:
            hint = did_you_mean(str(service), known)
            raise PlaitError(f"{self.folder}: service {service!r} has no champion{hint}")
        return champion


def _copy(source: Path, target: Path) -> None:
    """Copy a folder's files."""
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as original, copy.open("wb") as stream:
            shutil.copyfileobj(original, stream, 1 << 20)
