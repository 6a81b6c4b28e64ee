"""Damaged exports: rows or one error, never another exception."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exports import EXPORTS, Annotated, conll, hugging_face
from plait.datasets.annotations.reader import Annotations
from plait.datasets.inspecting.suggesting import Choice, inspect
from plait.errors import PlaitError

ROWS = [
    Annotated("turn 🙂 on the lamp", "on", ((5, 6, "face"), (14, 18, "thing"))),
    Annotated("is it cold", None),
    Annotated("שלום lamp", "off", ((5, 9, "thing"),)),
]
SENTENCES = [(["New", "York", "calls"], [(0, 2, "place")]), (["no", "one"], [])]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 99) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container and key in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in list(items) if isinstance(value, dict | list) else ():
        yield value, key
        if isinstance(each, dict | list):
            yield from places(each)


def read(path: Path, label: str | None, spans: str | None, **more: Any) -> None:
    """Read the file, as with these names and as `plait data inspect` does."""
    named = {"labels": {"topic": label}} if label else {}
    named |= {"spans": {"slots": spans}} if spans else {}
    reader = Annotations.model_validate({"files": [{"path": path.name}], **named, **more})
    for step in (
        lambda: list(reader.read(path.parent, 0)),
        lambda: inspect([path], Choice(), lambda names: {name: name for name in names}),
    ):
        with suppress(PlaitError):
            step()


@pytest.mark.parametrize("name", sorted({*EXPORTS, "hugging_face"} - {"fasttext"}))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_value(name: str, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "export.json"
    names = ["O", "B-place", "I-place"]
    if name == "hugging_face":
        hugging_face(path, SENTENCES, names)
    else:
        EXPORTS[name].write(path, ROWS)
    text = path.read_text(encoding="utf-8")
    array = text.startswith("[")
    values = json.loads(text) if array else [json.loads(line) for line in text.splitlines()]
    for _ in range(data.draw(st.integers(1, 2))):
        container, key = data.draw(st.sampled_from(list(places(values))))
        with suppress(KeyError, IndexError):
            container[key] = data.draw(JSON)
    lines = json.dumps(values) if array else "\n".join(map(json.dumps, values))
    path.write_text(lines, encoding="utf-8")
    format = "spacy" if name.startswith("spacy") else name.removesuffix("_utf16")
    format = {"doccano_relations": "doccano", "argilla_flat": "argilla"}.get(format, format)
    export = EXPORTS.get(name)
    label, spans = (export.label, export.spans) if export else (None, "ner_tags")
    read(path, label, spans, format=format, names={"ner_tags": names} if not export else {})


@pytest.mark.parametrize("name", ["doccano", "label_studio", "fasttext", "conll", "argilla_flat"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_and_missing_bytes(name: str, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "export.json"
    if name == "conll":
        conll(path, SENTENCES, columns=4)
    else:
        EXPORTS[name].write(path, ROWS)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    export = EXPORTS.get(name)
    read(path, *((export.label, export.spans) if export else (None, "tags")))
