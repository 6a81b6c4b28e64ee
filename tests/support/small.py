"""A small real experiment for tests: utterances with intent and slots, and TF-IDF candidates."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from plait.approaches.base import Resolved
from plait.files import write_json
from plait.tasks import Row, Span, Task, write_rows

TEMPLATES = [
    ("HassTurnOn", "turn on the {name} in the {area}"),
    ("HassTurnOff", "switch off the {name} in the {area} please"),
    ("HassGetState", "is the {name} of the {area} on"),
    ("HassSetVolume", "set the {name} volume in the {area} higher"),
]
NAMES = ["ceiling lamp", "radio", "fan", "reading light", "television", "heater"]
AREAS = ["kitchen", "living room", "bedroom", "attic", "garage"]

INTENTS = tuple(sorted(intent for intent, _ in TEMPLATES))
INTENT = Task("intent", "home", "classification", "intent", INTENTS, "accuracy")
SLOTS = Task("slots", "home", "tagging", "slots", ("area", "name"), "span_f1")
CANDIDATES = {
    "tfidf-intent": (INTENT,),
    "tfidf-slots": (SLOTS,),
    "tfidf-intent+slots": (INTENT, SLOTS),
}


LEAKED = ("home-3-2", "home-3-5")
"""Held-out rows that the data checks say training has seen."""


CHECKS = [
    {"dataset": "home", "rule": "empty_text", "severity": "critical", "passed": True, "count": 0,
     "examined": 60, "split": "train"},
    {"dataset": "home", "rule": "text_in_train_share", "severity": "critical", "passed": True,
     "count": 1, "examined": 30, "split": "heldout"},
]  # fmt: skip
"""Results of the data checks, as validation/report.json has them."""


def rows(start: int, step: int) -> list[Row]:
    """Every `step`-th combination; a few carry a wrong intent, so that no score is perfect."""
    combinations = list(itertools.product(TEMPLATES, NAMES, AREAS))[start::step]
    return [_row(f"home-{start}-{i}", i, *parts) for i, parts in enumerate(combinations)]


def _row(identity: str, index: int, template: tuple[str, str], name: str, area: str) -> Row:
    intent = template[0] if index % 7 else INTENTS[index % len(INTENTS)]
    text = template[1].format(name=name, area=area)
    at, where = text.index(name), text.rindex(area)
    spans = (Span(at, at + len(name), "name"), Span(where, where + len(area), "area"))
    return Row(identity, text, {"intent": intent, "slots": tuple(sorted(spans))})


def candidate(name: str, tasks: Sequence[Task]) -> Resolved:
    return Resolved(name, "tfidf", "linear", "full", tuple(tasks), {}, seed=7)


def write_inputs(root: Path) -> None:
    """inputs/, heldout/ and weights/ as `prepare` and `fetch` leave them."""
    (root / "weights/tfidf").mkdir(parents=True)
    write_json(root / "validation/leaks.json", {"home": {"exact": LEAKED[:1], "near": LEAKED[1:]}})
    write_json(root / "validation/report.json", {"results": CHECKS})
    for name, tasks in CANDIDATES.items():
        fields = {task.field for task in tasks}
        write_json(root / "inputs" / name / "candidate.json", candidate(name, tasks).as_json())
        for split, found in [("train", rows(0, 2)), ("dev", rows(1, 4)), ("heldout", rows(3, 4))]:
            inputs = root / "inputs" / name / split
            folder = root / "heldout" / name if split == "heldout" else inputs
            write_rows(
                folder / "home.jsonl",
                [Row(r.id, r.text, {f: r.labels[f] for f in sorted(fields)}) for r in found],
            )
