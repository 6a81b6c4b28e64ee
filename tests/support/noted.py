"""An experiment on a table of notes, and healthy rows of it."""

from typing import Any

PARAMS: dict[str, Any] = {
    "datasets": {
        "notes": {
            "reader": "table",
            "files": [{"path": "notes.jsonl"}],
            "id": "id",
            "labels": {"topic": "topic"},
            "spans": {"places": "places"},
            "split": "split",
        }
    },
    "tasks": {
        "topic": {"dataset": "notes", "kind": "classification", "field": "topic"},
        "places": {"dataset": "notes", "kind": "tagging", "field": "places"},
    },
    "seed": 1,
    "training": {},
    "validation": {},
    "backbones": {"tfidf": {"kind": "none"}},
    "candidates": {"floor": {"backbone": "tfidf", "approach": "linear", "tasks": ["topic"]}},
    "services": {"notes": {"tasks": ["topic"], "plans": {"floor": ["floor"]}}},
}
Rows = list[dict[str, Any]]


def rows() -> Rows:
    return [
        {
            "id": f"{split}-{i}",
            "text": f"{split} note {i} from Rome",
            "topic": "news" if i % 2 else "sport",
            "places": [
                [len(f"{split} note {i} from "), len(f"{split} note {i} from Rome"), "city"]
            ],
            "split": split,
        }
        for split, count in (("train", 30), ("dev", 20), ("heldout", 20))
        for i in range(count)
    ]
