"""Acts of people on a registry: rollback, hold and release (prune is in `pruning`).

Each holds the registry's lock, and writes a record that says who did it, when, why, with which
packages, on which processor.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from plait.errors import PlaitError
from plait.registry.holds import blocks, held, same_plan, serves
from plait.registry.mending import Bring
from plait.registry.origin import stamp
from plait.registry.packages import keep_card
from plait.registry.records import Record, Stage
from plait.registry.store import Registry


@contextmanager
def champions_stay(registry: Registry, act: str) -> Iterator[None]:
    """What the disk refuses is a `PlaitError` that says what stands."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise PlaitError(
            f"{registry.folder}: {act} could not be written: {error.strerror or error}{where}. "
            "The champion and its bundles are as they were. Free some disk space, or mend the "
            f"folder's permissions, and run {act} again."
        ) from error


@contextmanager
def acting(registry: Registry, act: str) -> Iterator[None]:
    """Hold the registry for an act, as `champions_stay` does."""
    with champions_stay(registry, act), registry.lock():
        yield


def rollback(
    root: Path,
    service: str,
    to: int | None = None,
    stage: Stage = "production",
    why: str = "",
    mend: Bring = lambda _candidate, _digest: False,
) -> Record:
    """Let an earlier champion serve again; the plans that it leaves are not promoted again.

    Args:
        to: the number of its record; default: the champion before the present one.
        why: for the record.
        mend: tries to bring back a bundle that isn't intact.

    Raises:
        PlaitError: there is no such champion, it serves already, or its bundles are damaged and
            can't be brought back.
    """
    registry = Registry(root)
    with acting(registry, "plait rollback"):
        registry.require_known(service)
        found = (
            _before(registry, service, stage)
            if to is None
            else _named(registry, service, to, stage)
        )
        target = _origin(registry, found)
        _refuse_to_stay(registry, target, stage)
        _bring_bundles(registry, target, mend)
        now = registry.pointed(service, stage)
        kept = registry.write(
            replace(
                target,
                act="rollback",
                outcome="done",
                stage=stage,
                reason=f"To plan {target.plan} of record {target.number}" + _because(why),
                restores=target.number,
                replaces=now,
                rejected={},
                comparison={},
                looks=0,
                consent="",
                **stamp(root),
            )
        )
        keep_card(registry, kept)
        registry.point(kept)
    return kept


def _because(why: str) -> str:
    return f": {why.strip().rstrip('.')}." if why.strip() else "."


def _before(registry: Registry, service: str, stage: Stage) -> Record:
    """The champion before the present one; after a rollback, the one before its target."""
    champion = registry.require(service, stage)
    found = _origin(registry, champion)
    while same_plan(found, champion):
        if found.replaces is None:
            raise PlaitError(
                f"{service}: plan {champion.plan} (record {champion.number}) is the first champion "
                f"in {stage}, so there is none before it. `plait registry history {service}` "
                "lists all records; name one with --to."
            )
        found = _origin(registry, registry.record(service, found.replaces))
    return found


def _origin(registry: Registry, record: Record) -> Record:
    """The record whose plan a rollback restored."""
    while record.act == "rollback" and record.restores is not None:
        record = registry.record(record.service, record.restores)
    return record


def _named(registry: Registry, service: str, number: int, stage: Stage) -> Record:
    if number not in registry.numbers(service):
        raise PlaitError(
            f"--to {number}: {service} has no such record. `plait registry history {service}` "
            "lists them."
        )
    record = registry.record(service, number)
    if not serves(record) or record.stage != stage:
        raise PlaitError(
            f"--to {number}: found a record of {record.act} ({record.outcome}) in {record.stage}, "
            f"expected one that made a plan champion in {stage}. "
            f"`plait registry history {service}` lists them."
        )
    return record


def _refuse_to_stay(registry: Registry, target: Record, stage: Stage) -> None:
    try:
        champion = registry.champion(target.service, stage)
    except PlaitError:  # a damaged pointer or record is a reason to roll back
        return
    if champion and same_plan(champion, target):
        raise PlaitError(
            f"{target.service}: plan {target.plan} of record {target.number} serves in {stage} "
            f"already (record {champion.number}). Nothing was changed."
        )


def _bring_bundles(registry: Registry, target: Record, mend: Bring) -> None:
    lost = [
        f"{digest} ({candidate})"
        for candidate, digest in target.bundles.items()
        if not registry.intact(digest) and not mend(candidate, digest)
    ]
    if lost:
        raise PlaitError(
            f"{target.service}: record {target.number} needs bundle {', '.join(lost)}, which is "
            "missing or damaged in the registry, and neither models/ nor DVC's cache or remote has "
            "it intact. Nothing was changed. Roll back to another record with --to, or bring a "
            f"published one with `plait pull {target.service}`."
        )


def hold(root: Path, service: str, why: str) -> Record:
    """Let no plan of a service be promoted until it is released.

    Raises:
        PlaitError: it is held already, or `why` says nothing.
    """
    if not why.strip():
        raise PlaitError("--why: found nothing, expected the reason, which the record keeps.")
    registry = Registry(root)
    with acting(registry, "plait registry hold"):
        if found := held(registry.history(service)):
            raise PlaitError(
                f"{service}: it is held already since record {found.number} ({found.who}: "
                f"{found.reason})"
            )
        return registry.write(
            Record(service, "done", why.strip(), act="hold", **stamp(root)),
        )


def release(root: Path, service: str, why: str = "") -> Record:
    """End a hold, and let plans that were rolled back from be promoted again.

    Raises:
        PlaitError: it is not held, and no plan is kept out.
    """
    registry = Registry(root)
    with acting(registry, "plait registry release"):
        history = registry.history(service)
        ended = sorted({r.number for r in [held(history), *blocks(history).values()] if r})
        if not ended:
            raise PlaitError(
                f"{service}: it is not held, and no plan was rolled back from since the last "
                "release. Nothing was changed."
            )
        reason = f"Ends {', '.join(f'record {number}' for number in ended)}" + _because(why)
        return registry.write(Record(service, "done", reason, act="release", **stamp(root)))


def refuse(root: Path, draft: Record, reason: str) -> Record:
    """Write that a plan was not promoted; the champion stays.

    Args:
        draft: the plan as a promotion would have recorded it.
        reason: the whole reason, in words.
    """
    registry = Registry(root)
    with acting(registry, "plait promote"):
        return registry.write(replace(draft, outcome="refused", reason=reason))
