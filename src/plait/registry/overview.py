"""Overview: what a registry holds, in lines for a person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plait.errors import PlaitError
from plait.registry.holds import blocks, held
from plait.registry.records import STAGES, Record
from plait.registry.store import Registry

SHORT = 12
"""Characters of a digest that are shown."""


@dataclass(frozen=True)
class Line:
    """What serves a service at a stage; `record` is None where its pointer is damaged."""

    service: str
    stage: str
    record: int | None
    plan: str
    since: str
    by: str
    held: str

    def shown(self) -> list[str]:
        """Its cells for a table."""
        number = "damaged" if self.record is None else str(self.record)
        return [number, self.plan, _time(self.since), self.by]


def overview(registry: Registry) -> list[Line]:
    """Each service at each stage where it has a champion, or once where it has none."""
    return [line for service in registry.known() for line in _lines(registry, service)]


def _lines(registry: Registry, service: str) -> list[Line]:
    kept_out = _kept_out(registry, service)
    stages = [stage for stage in STAGES if registry.pointer(service, stage).exists()]
    if not stages:
        return [Line(service, "-", 0, "none", "", "", kept_out)]
    lines = []
    for stage in stages:
        try:
            record = registry.require(service, stage)
        except PlaitError:
            lines.append(Line(service, stage, None, "plait registry verify", "", "", kept_out))
        else:
            cells = (record.number, record.plan or "", record.time, record.who)
            lines.append(Line(service, stage, *cells, kept_out))
    return lines


def _kept_out(registry: Registry, service: str) -> str:
    """What may not be promoted now."""
    try:
        history = registry.history(service)
    except PlaitError:
        return "a record is damaged"
    if hold := held(history):
        return f"record {hold.number}: {hold.reason}"
    rolled = sorted({record.number for record in blocks(history).values()})
    return f"plans left by record {', '.join(map(str, rolled))}" if rolled else ""


def history(registry: Registry, service: str) -> list[list[str]]:
    """A row for each act: what it serves now, number, time, act, plan, outcome, who, why.

    A damaged record is a row, too.
    """
    pointed = {registry.pointed(service, stage): stage for stage in reversed(STAGES)}
    numbers = sorted([*registry.numbers(service), *registry.lost(service)])
    return [
        [f"▶ {pointed[n]}" if n in pointed else "", str(n), *_cells(registry, service, n)]
        for n in numbers
    ]


def _cells(registry: Registry, service: str, number: int) -> list[str]:
    if number in registry.lost(service):
        return ["", "lost", "", "", "", "it was damaged and set aside"]
    try:
        record = registry.record(service, number)
    except PlaitError:
        return ["", "damaged", "", "", "", "`plait registry verify` says how to mend it"]
    act = record.act if record.stage == "production" else f"{record.act} ({record.stage})"
    plan = f"{record.plan or ''}"
    return [_time(record.time), act, plan, record.outcome, record.who, _line(record.reason)]


def _line(text: str) -> str:
    """The last sentence of a reason, which says what was decided."""
    first = " ".join(text.split())
    return first if len(first) <= 80 else f"…{first[-79:].partition(' ')[2]}"


def _time(text: str) -> str:
    return text[:16].replace("T", " ")


def details(record: Record) -> dict[str, list[str]]:
    """All of a record: title → lines."""
    served = [f"{task}: {name}" for task, name in record.tasks.items()]
    scores = [
        f"{task}: " + ", ".join(f"{metric} {100 * value:.2f} %" for metric, value in each.items())
        for task, each in record.scores.items()
    ]
    found = {
        "Record": [
            f"{record.number} of {record.service}, {record.act} in {record.stage}: {record.outcome}"
        ],
        "When, who": [f"{record.time}, {record.who}"],
        "Why": [record.reason],
        "Consent": [record.consent],
        "Experiment": [record.experiment],
        "Plan": [record.plan or "", *served],
        "Bundles": [f"{name}: {digest}" for name, digest in record.bundles.items()],
        "Scores": scores,
        "Rejected": [f"{plan}: {why}" for plan, why in record.rejected.items()],
        "Gates": [_gate(line) for line in record.gates],
        "Restores": [str(record.restores or "")],
        "Replaces": [str(record.replaces or "")],
        "Held-out": [f"{task}: {digest}" for task, digest in record.heldout.items()],
        "Source": [f"{key}: {value}" for key, value in record.source.items()],
        "Machine": [f"{key}: {value}" for key, value in _flat(record.environment).items()],
        "Seal": [record.seal],
    }
    return {title: kept for title, lines in found.items() if (kept := [x for x in lines if x])}


def _gate(line: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in line.items())


@dataclass(frozen=True)
class Difference:
    """A value that two records have differently; a number also has the difference in points."""

    what: str
    old: Any
    new: Any

    def row(self) -> list[str]:
        """Its cells for a table."""
        if not self.what.startswith("scores."):
            return [self.what, _short(self.old), _short(self.new), ""]
        both = None not in (self.old, self.new)
        points = f"{100 * (self.new - self.old):+.2f} points" if both else ""
        scores = ["–" if x is None else f"{100 * x:.2f} %" for x in (self.old, self.new)]
        return [self.what, *scores, points]


def differences(old: Record, new: Record) -> list[Difference]:
    """What differs in plan, bundles, scores, gates, data, source and environment."""
    before, after = dict(_compared(old)), dict(_compared(new))
    return [
        Difference(key, before.get(key), after.get(key))
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]


def _compared(record: Record) -> Iterator[tuple[str, Any]]:
    yield from (("plan", record.plan), ("experiment", record.experiment))
    gates = {str(line.get("gate", n)): _gate(line) for n, line in enumerate(record.gates)}
    for title, values in (
        ("tasks", record.tasks),
        ("bundles", record.bundles),
        ("scores", record.scores),
        ("gates", gates),
        ("heldout", record.heldout),
        ("source", record.source),
        ("environment", record.environment),
    ):
        for key, value in _flat(values).items():
            yield f"{title}.{key}", value


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dots between the keys."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value
    return found


def _short(value: Any) -> str:
    text = "–" if value is None else str(value)
    return text[:SHORT] if len(text) in (40, 64) and " " not in text else text
