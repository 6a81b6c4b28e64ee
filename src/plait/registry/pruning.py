"""Pruning: the bundles that no one will serve again leave the registry; its records stay."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plait.errors import PlaitError
from plait.registry.acts import acting
from plait.registry.holds import same_plan
from plait.registry.origin import stamp
from plait.registry.records import STAGES, Record, Stage
from plait.registry.store import Registry

Histories = dict[str, list[Record]]


@dataclass(frozen=True)
class Pruned:
    """A bundle that was, or would be, removed.

    Attributes:
        digest: its name.
        owners: service → its records that name it, oldest first; empty for what a killed promotion
            left.
        size: bytes on the disk.
    """

    digest: str
    owners: Histories
    size: int


def prune(root: Path, keep: int, dry_run: bool = False) -> list[Pruned]:
    """Remove bundles that no one will serve again, and their answers.

    The bundles of each service's last `keep` champions at each stage stay, those of newer records,
    and whatever was published.

    Raises:
        PlaitError: a pointer or record is damaged, so that what it names is unknown.
    """
    if keep < 1:
        raise PlaitError(f"--keep: found {keep}, expected at least 1: the champion stays.")
    registry = Registry(root)
    with acting(registry, "plait registry prune"):
        doomed = _doomed(registry, keep)
        if not dry_run:
            # The records first: a kill then leaves bundles that the next prune removes, and none
            # that is gone without a record.
            _note(registry, root, keep, doomed)
            for each in doomed:
                registry.discard(each.digest)
    return doomed


def _doomed(registry: Registry, keep: int) -> list[Pruned]:
    histories = {service: registry.history(service) for service in registry.known()}
    gap = any(registry.lost(service) for service in histories)
    kept = {
        digest
        for service, history in histories.items()
        for record in _kept(registry, service, history, keep)
        for digest in record.bundles.values()
    }
    return [
        Pruned(digest, owners, registry.size(digest))
        for digest in registry.bundles()
        # A lost record may have named what no other one does.
        if digest not in kept and ((owners := _owners(histories, digest)) or not gap)
    ]


def _owners(histories: Histories, digest: str) -> Histories:
    found = {
        service: [r for r in history if r.act != "prune" and digest in r.bundles.values()]
        for service, history in histories.items()
    }
    return {service: records for service, records in found.items() if records}


def _kept(registry: Registry, service: str, history: list[Record], keep: int) -> Iterator[Record]:
    """The records whose bundles stay."""
    published = {r.restores for r in history if r.act == "publish"}
    yield from (r for r in history if r.act == "publish" or r.number in published)
    for stage in STAGES:
        oldest = _oldest(registry, service, stage, history, keep)
        yield from (r for r in history if r.stage == stage and r.number >= oldest)


def _oldest(
    registry: Registry, service: str, stage: Stage, history: list[Record], keep: int
) -> int:
    """The number of the oldest of the last `keep` champions; those of one plan count once."""
    by_number = {record.number: record for record in history}
    champion = registry.champion(service, stage)
    if champion is None:
        return 0  # nothing tells which of its records would serve
    plans = [champion]
    oldest = champion
    while oldest.replaces is not None and (before := by_number.get(oldest.replaces)):
        if not any(same_plan(before, plan) for plan in plans):
            if len(plans) == keep:
                break
            plans.append(before)
        oldest = before
    return oldest.number


def _note(registry: Registry, root: Path, keep: int, doomed: list[Pruned]) -> None:
    """One record for each service that loses a bundle."""
    for service in sorted({name for each in doomed for name in each.owners}):
        removed = {
            f"{_candidate(records[-1], each.digest)} of record {records[-1].number}": each.digest
            for each in doomed
            if (records := each.owners.get(service))
        }
        reason = f"--keep {keep} removes {len(removed)} bundles; their records stay."
        registry.write(Record(service, "done", reason, act="prune", bundles=removed, **stamp(root)))


def _candidate(record: Record, digest: str) -> str:
    return next(name for name, each in record.bundles.items() if each == digest)
