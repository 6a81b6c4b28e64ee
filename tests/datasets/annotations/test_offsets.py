"""Offsets of exports: what a setting says is applied once, or refused where nothing is to say."""

import json
from pathlib import Path
from typing import Any

import pytest

from plait.datasets.annotations.reader import Annotations
from plait.errors import PlaitError
from plait.tasks import Span

TEXT = "😀 Ulm calls"
START = TEXT.index("Ulm")
REGION = {"start": START + 1, "end": START + 4, "text": "Ulm", "labels": ["place"]}
RESULT = {"from_name": "slots", "to_name": "text", "type": "labels", "value": REGION}
STUDIO = [{"id": 1, "data": {"text": TEXT}, "annotations": [{"result": [RESULT]}]}]
DOCCANO = {"id": 1, "text": TEXT, "label": [[START + 1, START + 4, "place"]]}
TAGS = {"tokens": ["Ulm", "calls"], "ner_tags": ["B-place", "O"]}
CONLL = "Ulm B-place\ncalls O\n"


def read(folder: Path, content: str, name: str, **settings: Any) -> list[Any]:
    (folder / "export").write_text(content, encoding="utf-8")
    files = [{"path": "export", "split": "train"}]
    reader = Annotations.model_validate({"files": files, "spans": {"slots": name}, **settings})
    return [row.labels["slots"] for _, row in reader.read(folder, 0)]


@pytest.mark.parametrize(
    ("content", "name"),
    [(json.dumps(STUDIO), "slots"), (json.dumps(TAGS), "ner_tags"), (CONLL, "tags")],
)
@pytest.mark.parametrize("setting", [{"offsets": "utf16"}, {"offsets_from": 1}])
def test_offsets_are_refused_where_the_format_says_them(
    tmp_path: Path, content: str, name: str, setting: dict[str, Any]
) -> None:
    with pytest.raises(PlaitError, match=r"export: found `offsets: .* read as characters already"):
        read(tmp_path, content, name, **setting)
    assert len(read(tmp_path, content, name)) == 1


def test_label_studio_s_utf16_is_found(tmp_path: Path) -> None:
    found = read(tmp_path, json.dumps(STUDIO), "slots")
    assert found == [(Span(START, START + 3, "place"),)]


def test_offsets_of_other_exports_are_read_as_said(tmp_path: Path) -> None:
    found = read(tmp_path, json.dumps(DOCCANO), "label", offsets="utf16")
    assert found == [(Span(START, START + 3, "place"),)]
