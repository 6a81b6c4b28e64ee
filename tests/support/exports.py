"""Writers of the formats that `plait.datasets.annotations` reads, as the tools' exports are.

Each writes annotated texts to a path: a text, its label, and its spans.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Triple = tuple[int, int, str]


@dataclass(frozen=True)
class Annotated:
    """A text with a label (or none) and spans."""

    text: str
    label: str | None
    spans: tuple[Triple, ...] = ()


Rows = Sequence[Annotated]


def write_lines(path: Path, values: Sequence[Any]) -> None:
    lines = (json.dumps(value, ensure_ascii=False) + "\n" for value in values)
    path.write_bytes("".join(lines).encode())


def write_array(path: Path, values: Sequence[Any]) -> None:
    path.write_bytes(json.dumps(values, ensure_ascii=False).encode())


def _listed(row: Annotated) -> list[str]:
    return [] if row.label is None else [row.label]


def doccano(path: Path, rows: Rows) -> None:
    """A project for intents and slots."""
    write_lines(
        path,
        [
            {"id": i, "text": r.text, "cats": _listed(r), "entities": r.spans, "Comments": []}
            for i, r in enumerate(rows)
        ],
    )


def doccano_relations(path: Path, rows: Rows) -> None:
    """A project for sequence labelling with relations; it has no labels of texts."""
    keys = ("start_offset", "end_offset", "label")
    values = [
        {
            "id": i,
            "text": row.text,
            "entities": [
                {"id": n, **dict(zip(keys, s, strict=True))} for n, s in enumerate(row.spans)
            ],
            "relations": [],
        }
        for i, row in enumerate(rows)
    ]
    write_lines(path, values)


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _regions(row: Annotated, utf16: bool) -> list[dict[str, Any]]:
    size = _utf16 if utf16 else len
    return [
        {
            "start": size(row.text[:s]),
            "end": size(row.text[:e]),
            "text": row.text[s:e],
            "labels": [t],
        }
        for s, e, t in row.spans
    ]


def _label_studio(row: Annotated, number: int, utf16: bool) -> dict[str, Any]:
    where = {"to_name": "text", "origin": "manual"}
    result = [
        {"value": region, "id": f"r{n}", "from_name": "slots", "type": "labels", **where}
        for n, region in enumerate(_regions(row, utf16))
    ]
    if row.label is not None:
        value = {"choices": [row.label]}
        result.append({"value": value, "id": "c", "from_name": "topic", "type": "choices", **where})
    annotation = {"id": number, "completed_by": 1, "result": result, "was_cancelled": False}
    return {
        "id": number,
        "annotations": [{**annotation, "ground_truth": False, "lead_time": 1.5}],
        "predictions": [],
        "data": {"text": row.text},
        "meta": {},
    }


def label_studio(path: Path, rows: Rows, utf16: bool = False) -> None:
    write_array(path, [_label_studio(row, number, utf16) for number, row in enumerate(rows, 1)])


def label_studio_utf16(path: Path, rows: Rows) -> None:
    """As releases before 2022 count."""
    label_studio(path, rows, utf16=True)


def label_studio_min(path: Path, rows: Rows) -> None:
    write_array(
        path,
        [
            {
                "text": row.text,
                "id": number,
                **({"slots": _regions(row, False)} if row.spans else {}),
                **({} if row.label is None else {"topic": row.label}),
                "annotator": 1,
                "annotation_id": number,
                "created_at": "2025-01-01T00:00:00Z",
                "lead_time": 2.0,
            }
            for number, row in enumerate(rows, 1)
        ],
    )


def _dicts(row: Annotated) -> list[dict[str, Any]]:
    return [{"start": start, "end": end, "label": label} for start, end, label in row.spans]


def prodigy(path: Path, rows: Rows) -> None:
    """A choice and spans in one interface of blocks."""
    write_lines(
        path,
        [
            {
                "text": row.text,
                "_input_hash": number,
                "_task_hash": -number,
                "options": [{"id": name, "text": name} for name in _listed(row)],
                "accept": _listed(row),
                "spans": _dicts(row),
                "answer": "accept",
                "_timestamp": 1700000000 + number,
            }
            for number, row in enumerate(rows)
        ],
    )


def spacy_entities(path: Path, rows: Rows) -> None:
    """The pairs of spaCy 2's examples."""
    write_array(
        path,
        [
            [
                r.text,
                {"entities": r.spans, "cats": {"other ": 0.0, **dict.fromkeys(_listed(r), 1.0)}},
            ]
            for r in rows
        ],
    )


def spacy_spans(path: Path, rows: Rows) -> None:
    write_lines(
        path,
        [
            {"text": r.text, "spans": _dicts(r), "cats": dict.fromkeys(_listed(r), True)}
            for r in rows
        ],
    )


def argilla(path: Path, rows: Rows) -> None:
    """`dataset.records(…).to_json()`."""
    write_array(
        path,
        [
            {
                "id": f"r{number}",
                "fields": {"text": row.text},
                "metadata": {},
                "suggestions": {"topic": {"value": "a guess", "score": 0.5, "agent": "m"}},
                "responses": {
                    "slots": [{"value": _dicts(row), "user_id": "u1"}],
                    "topic": [{"value": each, "user_id": "u1"} for each in _listed(row)],
                },
                "vectors": {},
                "_server_id": None,
            }
            for number, row in enumerate(rows)
        ],
    )


def argilla_flat(path: Path, rows: Rows) -> None:
    """`to_list(flatten=True)` and data sets on the Hub."""
    write_lines(
        path,
        [
            {
                "id": f"r{number}",
                "text": row.text,
                "_server_id": None,
                "topic.responses": _listed(row) or None,
                "topic.responses.users": ["u1"] if row.label else None,
                "topic.responses.status": ["submitted"] if row.label else None,
                "slots.responses": [_dicts(row)],
                "slots.responses.users": ["u1"],
                "slots.responses.status": ["submitted"],
                "topic.suggestion": "a guess",
            }
            for number, row in enumerate(rows)
        ],
    )


def fasttext(path: Path, rows: Rows) -> None:
    """Labels have no blanks, texts no line ends and no blanks at their ends."""
    lines = (" ".join([*(f"__label__{each}" for each in _listed(r)), r.text]) for r in rows)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())


@dataclass(frozen=True)
class Export:
    """A writer, and the names of label and spans in what it writes."""

    write: Callable[[Path, Rows], None]
    label: str | None
    spans: str | None


EXPORTS = {
    "doccano": Export(doccano, "cats", "entities"),
    "doccano_relations": Export(doccano_relations, None, "entities"),
    "label_studio": Export(label_studio, "topic", "slots"),
    "label_studio_utf16": Export(label_studio_utf16, "topic", "slots"),
    "label_studio_min": Export(label_studio_min, "topic", "slots"),
    "prodigy": Export(prodigy, "accept", "spans"),
    "spacy_entities": Export(spacy_entities, "cats", "entities"),
    "spacy_spans": Export(spacy_spans, "cats", "spans"),
    "argilla": Export(argilla, "topic", "slots"),
    "argilla_flat": Export(argilla_flat, "topic", "slots"),
    "fasttext": Export(fasttext, "label", None),
}


Tagged = tuple[Sequence[str], Sequence[tuple[int, int, str]]]
"""Tokens, and spans of tokens: first, after the last, type."""


def tags(sentence: Tagged, scheme: str) -> list[str]:
    """The tags of a sentence in `BIO` (IOB2), `IOB1` or `BIOES`."""
    words, spans = sentence
    found = ["O"] * len(words)
    last: tuple[int, str] | None = None
    for start, end, label in sorted(spans):
        begins = scheme != "IOB1" or last == (start, label)
        found[start:end] = [f"I-{label}"] * (end - start)
        if begins:
            found[start] = f"B-{label}"
        if scheme == "BIOES":
            found[end - 1] = f"{'S' if end - start == 1 else 'E'}-{label}"
        last = end, label
    return found


def conll(
    path: Path, sentences: Sequence[Tagged], scheme: str = "BIO", columns: int = 2, mark: str = " "
) -> None:
    """Two columns, or CoNLL-2003's four with the start of a document."""
    between = ["NN", "I-NP"][: columns - 2]
    start = ["-DOCSTART-", "-X-", "O", "O"] if columns > 2 else []
    lines = [mark.join(start), ""] if start else []
    for sentence in sentences:
        for word, tag in zip(sentence[0], tags(sentence, scheme), strict=True):
            lines.append(mark.join([word, *between, tag]))
        lines.append("")
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())


def hugging_face(path: Path, sentences: Sequence[Tagged], names: Sequence[str]) -> None:
    """`Dataset.to_json`: tags as numbers of `names`."""
    write_lines(
        path,
        [
            {
                "id": str(number),
                "tokens": list(sentence[0]),
                "ner_tags": [names.index(tag) for tag in tags(sentence, "BIO")],
            }
            for number, sentence in enumerate(sentences)
        ],
    )
