"""Files as users have them: tickets with a team, and commands with a room and a mood."""

import csv
import json
import random
from pathlib import Path

WORDS = {
    "billing": ("invoice", "refund", "charge", "payment"),
    "access": ("login", "password", "account", "profile"),
    "shipping": ("parcel", "courier", "delivery", "box"),
}
ENDS = ("is wrong", "is gone", "came late", "looks odd", "is broken")
ROOMS = ("kitchen", "hall", "office", "attic")


def tickets(count: int = 240, seed: int = 1) -> list[dict[str, str]]:
    """Rows with number, body and team; a body is told from others by its last number."""
    draw = random.Random(seed)
    return [
        {
            "number": f"T{index:04d}",
            "body": f"My {draw.choice(WORDS[team])} {draw.choice(ENDS)}, déjà vu number {index}",
            "team": team,
        }
        for index in range(count)
        for team in [draw.choice(sorted(WORDS))]
    ]


def write_csv(path: Path, rows: list[dict[str, str]], mark: str = ",", code: str = "utf-8") -> None:
    with path.open("w", newline="", encoding=code) as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=mark)
        writer.writeheader()
        writer.writerows(rows)


def write_commands(path: Path, count: int = 200) -> None:
    """doccano's export of a project with an intent and slots for each text."""
    draw, values = random.Random(2), []
    for index in range(count):
        intent, room = draw.choice(("turn on", "turn off", "ask about")), draw.choice(ROOMS)
        text = f"{intent} the lamp in the {room}, order {index}"
        start = text.index(room)
        entities = [[start, start + len(room), "room"]]
        values.append({"id": index, "text": text, "entities": entities, "cats": [intent]})
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
