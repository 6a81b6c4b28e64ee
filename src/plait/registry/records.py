"""Records: each act on a registry, never changed afterwards."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from plait.errors import PlaitError
from plait.registry.sealed import SEAL, read_sealed, seal, write_sealed
from plait.registry.stage import STAGES as STAGES
from plait.registry.stage import Stage as Stage

Act = Literal["promote", "rollback", "hold", "release", "prune", "publish", "pull"]
RecordOutcome = Literal["promoted", "refused", "done"]
ASIDE = frozenset({"number", "previous", "time", "source", "environment", "who"})
"""What may differ between two records that say the same."""


@dataclass(frozen=True)
class Record:
    """One act on a service's registry.

    Attributes:
        act: what was done: a decision of promotion (`promote`), or an order of a person.
        outcome: a decision's outcome; `done` for any other act.
        stage: the pointer that it is about.
        reason: why, in words.
        experiment: the experiment that a plan was judged by (`name` in params.yaml).
        plan: the plan in question; None where there is none.
        tasks: task → the candidate of the plan that answers it.
        bundles: candidate → digest of its bundle; of a prune, what it removed.
        scores: task → metric → value (0–1) on held-out rows.
        heldout: task → sha256 of these rows.
        measured: task → what the model card shows of its held-out rows (`plait.registry.cards`).
        gates: the lines of the decision table (`plait.plans.gates`).
        comparison: what the comparison with the former champion found, by task.
        looks: how many challengers its held-out rows had compared with a champion before it.
        rejected: plan → why it could not win.
        restores: of a rollback or a pull, the number of the record whose plan serves again.
        replaces: the number of the record that the stage's pointer named at the time.
        consent: why a person let it replace a champion that it could not be compared with.
        source: git revision, altered files, and the sha256 of dvc.lock and params.yaml.
        environment: versions of packages and Python, processor, operating system.
        who: the person or machine that acted.
        time: when, ISO 8601 in UTC.
        number: its place in the service's history, from 1.
        previous: the seal of the record before it; empty for the first.
    """

    service: str
    outcome: RecordOutcome
    reason: str
    act: Act = "promote"
    stage: Stage = "production"
    experiment: str = ""
    plan: str | None = None
    tasks: Mapping[str, str] = field(default_factory=dict)
    bundles: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    heldout: Mapping[str, str] = field(default_factory=dict)
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    gates: tuple[Mapping[str, Any], ...] = ()
    comparison: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    looks: int = 0
    rejected: Mapping[str, str] = field(default_factory=dict)
    restores: int | None = None
    replaces: int | None = None
    consent: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    who: str = ""
    time: str = ""
    number: int = 0
    previous: str = ""

    def says_the_same_as(self, other: "Record") -> bool:
        """Whether both agree in everything but place, time, and where they come from."""
        names = [f.name for f in fields(self) if f.name not in ASIDE]
        ours, theirs = as_json(self), as_json(other)
        return all(ours[name] == theirs[name] for name in names)

    @property
    def seal(self) -> str:
        """The sha256 by which its file shows that it was not altered."""
        return seal(as_json(self))


def as_json(record: Record) -> dict[str, Any]:
    """As its file holds it, without the seal."""
    return {**asdict(record), "gates": [dict(line) for line in record.gates]}


def write_record(path: Path, record: Record) -> None:
    """Write a record with its seal, whole or not at all."""
    write_sealed(path, as_json(record))


def read_record(path: Path) -> Record:
    """A record.

    Raises:
        PlaitError: there is none, or it was altered.
    """
    try:
        value = read_sealed(path)
        del value[SEAL]
        # The seal shows that this is what was written; another version may have other names.
        return Record(**{**value, "gates": tuple(value["gates"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> PlaitError:
    """The error that names a damaged record or pointer."""
    found = str(error).splitlines()[0]
    return PlaitError(
        f"{path}: found {found}, expected what plait wrote. `plait registry verify` says how to "
        "mend it."
    )
