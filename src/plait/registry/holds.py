"""Holds: what a person has said may not be promoted, read from a service's history alone.

A hold keeps every plan out until it is released. A rollback keeps out the plans that it left, at
every stage, as long as their bundles are the same: what a nightly run makes again is not promoted
again. A release ends both; so does, for one plan, its promotion by consent or a rollback to it, at
the stage where it was rolled back from.
"""

from collections.abc import Iterator, Mapping, Sequence

from plait.registry.records import Record
from plait.registry.stage import Stage

_SERVES = frozenset({"promote", "rollback", "pull"})
Plan = frozenset[tuple[str, str]]
"""The bundle that answers each task."""


def refusal(history: Sequence[Record], draft: Record) -> str:
    """Why a draft may not be promoted now; empty where nothing stands against it.

    Args:
        history: all records of the service, oldest first.
        draft: the plan in question; its `consent` lifts a rollback's block, but no hold.
    """
    release = f"`plait registry release {draft.service}` ends that."
    if hold := held(history):
        return f"The service is held since record {hold.number} ({_said(hold)}). {release}"
    block = None if draft.consent else next(_of(draft, blocks(history)), None)
    if block:
        return (
            f"The same bundles were rolled back from by record {block.number} ({_said(block)}). "
            f"{release}"
        )
    return ""


def held(history: Sequence[Record]) -> Record | None:
    """The hold that no release has ended."""
    last = next((r for r in reversed(history) if r.act in ("hold", "release")), None)
    return last if last and last.act == "hold" else None


def _of(draft: Record, found: Mapping[tuple[Plan, Stage], Record]) -> Iterator[Record]:
    return (record for (plan, _), record in found.items() if plan == plan_of(draft))


def blocks(history: Sequence[Record]) -> dict[tuple[Plan, Stage], Record]:
    """The plans that a stage was rolled back from since the last release, with that rollback."""
    by_number = {record.number: record for record in history}
    found: dict[tuple[Plan, Stage], Record] = {}
    for record in history:
        if record.act == "release":
            found.clear()
        elif serves(record):
            if record.act == "rollback":
                found.update({(each, record.stage): record for each in _left(by_number, record)})
            found.pop((plan_of(record), record.stage), None)
    return found


def serves(record: Record) -> bool:
    """Whether an act made its plan the champion of its stage."""
    return record.act in _SERVES and record.outcome != "refused" and bool(record.bundles)


def same_plan(one: Record, other: Record) -> bool:
    """Whether the same bundles answer the same tasks."""
    return plan_of(one) == plan_of(other)


def _left(by_number: Mapping[int, Record], rollback: Record) -> list[Plan]:
    """The plans that a rollback left: the champion of then, and those between it and the target."""
    passed = list(_until(by_number, rollback))
    plans = [plan_of(record) for record in passed]
    return plans if plans and plans[-1] == plan_of(rollback) else plans[:1]


def _until(by_number: Mapping[int, Record], rollback: Record) -> Iterator[Record]:
    """The champions before a rollback, latest first, up to the plan that it restores."""
    number = rollback.replaces
    while number is not None and (record := by_number.get(number)):
        yield record
        if same_plan(record, rollback):
            break
        number = record.replaces


def plan_of(record: Record) -> Plan:
    """The bundles of a record's plan, by task."""
    return frozenset((task, record.bundles[name]) for task, name in record.tasks.items())


def _said(record: Record) -> str:
    """Who, when and why, in one line."""
    return f"{record.who}, {record.time[:10]}: {record.reason.rstrip('.')}"
