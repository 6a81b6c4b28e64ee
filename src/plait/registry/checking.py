"""Checking: what of a registry was altered, and what mends it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from plait.errors import PlaitError
from plait.registry import mending
from plait.registry.holds import serves
from plait.registry.mending import Bring, Unmended
from plait.registry.records import STAGES, Record, Stage, damaged, read_record
from plait.registry.sealed import read_sealed
from plait.registry.store import LOST, Registry

MEND = "plait registry verify --mend"


@dataclass(frozen=True)
class Finding:
    """Something that isn't as it was written.

    Attributes:
        place: its path.
        found: what is wrong with it, a sentence.
        remedy: what mends it: a command, or what to do.
        mend: does that, and says what was done, or raises `Unmended`. None where only a person
            can decide.
    """

    place: Path
    found: str
    remedy: str = f"`{MEND}`"
    mend: Callable[[], str] | None = None


def check(registry: Registry, bring: Bring) -> Iterator[Finding]:
    """What is wrong with records, pointers, bundles and answers of a registry.

    Args:
        bring: tries to bring a bundle back from elsewhere, by candidate and digest.
    """
    for service in registry.known():
        yield from _records(registry, service)
        history = readable(registry, service)
        for stage in STAGES:
            yield from _pointer(registry, service, stage, history)
    yield from _bundles(registry, bring)
    yield from _answers(registry)


def readable(registry: Registry, service: str) -> list[Record]:
    """The records of a service that were not altered, oldest first."""
    found = []
    for number in registry.numbers(service):
        try:
            found.append(registry.record(service, number))
        except PlaitError:
            continue
    return found


def _records(registry: Registry, service: str) -> Iterator[Finding]:
    """Each record, and that it follows the one before it."""
    lost = registry.lost(service)
    named = [registry.pointed(service, stage) or 0 for stage in STAGES]
    numbers = [*registry.numbers(service), *lost, *named]
    before: Record | None = None
    for number in range(1, max(numbers) + 1):
        path = registry.path(service, number)
        record = _readable(path)
        if number in lost:
            pass
        elif record is None:
            yield Finding(
                path,
                _why_unreadable(path),
                f"`{MEND}`, which brings it back where a single bit was flipped, and else sets it "
                f"aside as {path.stem}{LOST}: what it said is then lost",
                partial(mending.mend_record, path),
            )
        elif (record.service, record.number) != (service, number) or (
            before is not None and record.previous != before.seal
        ):
            yield Finding(
                path,
                f"the record doesn't follow record {number - 1}: one of the two was written anew",
                "only a copy made before shows which: compare with a backup, or with what "
                f"`plait pull {service}` brings elsewhere",
            )
        before = record


def _readable(path: Path) -> Record | None:
    try:
        return read_record(path)
    except PlaitError:
        return None


def _why_unreadable(path: Path) -> str:
    try:
        read_sealed(path)
    except FileNotFoundError:
        return "no such file, though a later record or a pointer shows that it was there"
    except (OSError, ValueError) as error:
        return f"the record was altered: {str(error).splitlines()[0]}"
    return "the record was altered: fields of another kind"


def _pointer(
    registry: Registry, service: str, stage: Stage, history: Sequence[Record]
) -> Iterator[Finding]:
    path, expected = registry.pointer(service, stage), mending.last_champion(history, stage)
    named = registry.pointed(service, stage)
    if named is None:
        if expected is None and not path.exists():
            return
        yield Finding(
            path,
            "the pointer was altered"
            if path.exists()
            else "no pointer, though a plan was made "
            f"champion by record {expected.number if expected else '?'}",
            mend=partial(mending.mend_pointer, registry, service, stage, expected),
        )
    elif named in registry.lost(service):
        yield Finding(path, f"it names record {named}, which is lost", _other(service, expected))
    elif (record := _readable(registry.path(service, named))) is None:
        return  # the record's own finding says it
    elif read_sealed(path)["seal"] != record.seal:
        yield Finding(
            path, f"it names another record {named} than the one there", _other(service, expected)
        )
    elif expected is not None and named != expected.number:
        yield Finding(
            path,
            f"it names record {named}, though record {expected.number} was made champion later: "
            "that act was stopped, or the pointer was set by hand",
            f"`plait promote {service}` judges anew; `plait rollback {service} --to {named} "
            f"--stage {stage}` keeps it",
        )


def _other(service: str, expected: Record | None) -> str:
    pull = f"`plait pull {service}` brings a published plan"
    if expected is None:
        return pull
    return f"`plait rollback {service} --to {expected.number} --stage {expected.stage}`; or {pull}"


def needed(registry: Registry) -> dict[str, Record]:
    """The bundles that should be here, by digest, each with the latest record that names it.

    A pull may bring records of another machine: of what they name, only what is here counts.
    """
    here = set(registry.bundles())
    found: dict[str, Record] = {}
    for service in registry.known():
        own: dict[str, Record] = {}
        for record in readable(registry, service):
            if record.act == "prune":
                own = {k: v for k, v in own.items() if k not in record.bundles.values()}
                continue
            if record.act == "pull":
                own = {k: v for k, v in own.items() if k in here}
            if serves(record) or record.act == "publish":
                own.update(dict.fromkeys(record.bundles.values(), record))
        found.update(own)
    return found


def _bundles(registry: Registry, bring: Bring) -> Iterator[Finding]:
    named = needed(registry)
    for digest, record in named.items():
        if registry.intact(digest):
            continue
        there = (registry.folder / "bundles" / digest).is_dir()
        candidate = next(name for name, each in record.bundles.items() if each == digest)
        yield Finding(
            registry.folder / "bundles" / digest,
            f"the bundle of {candidate} ({record.service}, record {record.number}) "
            + ("was altered" if there else "is missing"),
            mend=partial(_mend_bundle, bring, record, candidate, digest),
        )
    for digest in registry.bundles():
        if digest not in named and not registry.intact(digest):
            yield Finding(
                registry.folder / "bundles" / digest,
                "a bundle that no one needs was altered",
                mend=partial(_discard, registry, digest),
            )


def _discard(registry: Registry, digest: str) -> str:
    registry.discard(digest)
    return "removed"


def _mend_bundle(bring: Bring, record: Record, candidate: str, digest: str) -> str:
    if bring(candidate, digest):
        return "copied from an intact one"
    raise Unmended(
        "no intact copy in models/, DVC's cache or its remote: `plait pull "
        f"{record.service}` brings a published one, `plait run` trains it again at revision "
        f"{record.source.get('revision')}"
    )


def _answers(registry: Registry) -> Iterator[Finding]:
    for path in sorted(registry.folder.glob("answers/*/*.json")):
        try:
            read_sealed(path)
        except (OSError, ValueError) as error:
            yield Finding(
                path,
                str(damaged(path, error)),
                mend=partial(mending.mend_answers, path),
            )
