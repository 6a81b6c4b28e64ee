"""Any rows → a writer of the format → the reader gives the same texts, labels and spans."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports import EXPORTS, Annotated, Tagged, conll, hugging_face
from plait.datasets.annotations import formats
from plait.datasets.annotations.reader import Annotations
from plait.datasets.formats.opening import RawFile
from plait.segmentation import is_blank
from plait.tasks import Row, Span

ALPHABET = st.sampled_from(
    "ab Z9 ,.\"'\\🙂👩‍🚀e\u0301ñ\u05e9\u05dc\u0645\u0631日本ไทย한\u200d\n\t"
) | st.characters(blacklist_categories=("Cs",), blacklist_characters="\r")
TYPES = ("room", "日付", "a b", "O", "B-x")


def reader(path: Path, **settings: Any) -> Annotations:
    files = [{"path": path.name, "split": "heldout"}]
    return Annotations.model_validate({"files": files, **settings})


def read(path: Path, **settings: Any) -> list[Row]:
    return [row for _, row in reader(path, **settings).read(path.parent, 0)]


@st.composite
def annotated(draw: st.DrawFn) -> Annotated:
    text = draw(st.text(ALPHABET, min_size=1, max_size=30))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    places = zip(cuts[::2], cuts[1::2], strict=False)
    spans = tuple((s, e, draw(st.sampled_from(TYPES))) for s, e in places)
    label = draw(st.none() | st.text(ALPHABET, min_size=1, max_size=5))
    return Annotated(text, label, spans)


FIRST = Annotated("a 🙂 first, of all kinds", "label", ((2, 3, "face"), (4, 9, "rank")))
"""The format is found from the content: at least one row has a label and spans."""
WORD = st.text(st.characters(blacklist_categories=("Cs", "Zs", "Zl", "Zp", "Cc")), min_size=1)


@pytest.mark.parametrize("name", sorted(set(EXPORTS) - {"fasttext"}))
@given(rows=st.lists(annotated(), max_size=6))
def test_any_rows(
    name: str, rows: list[Annotated], tmp_path_factory: pytest.TempPathFactory
) -> None:
    export, rows = EXPORTS[name], [FIRST, *rows]
    path = tmp_path_factory.mktemp(name) / "export.json"
    export.write(path, rows)
    labels = {"labels": {"topic": export.label}} if export.label else {}
    found = read(path, spans={"slots": export.spans}, **labels)
    assert [row.text for row in found] == [row.text for row in rows]
    assert [row.labels["slots"] for row in found] == [
        tuple(Span(*span) for span in row.spans) for row in rows
    ]
    if export.label:
        # A blank label is none.
        wanted = [None if row.label is None or is_blank(row.label) else row.label for row in rows]
        assert [row.labels["topic"] for row in found] == wanted


@given(rows=st.lists(st.tuples(st.lists(WORD, min_size=1), st.none() | WORD), min_size=1))
def test_any_lines_of_fasttext(
    rows: list[tuple[list[str], str | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("fasttext") / "train.txt"
    wanted = [Annotated(" ".join(words), label) for words, label in rows]
    EXPORTS["fasttext"].write(path, wanted)
    found = read(path, format="fasttext", labels={"topic": "label"})
    assert [(row.text, row.labels["topic"]) for row in found] == [
        (row.text, row.label) for row in wanted
    ]


TOKEN = st.text(
    st.sampled_from("ab9,.🙂e\u0301ñ\u05e9\u05dc\u0645\u0631") | st.sampled_from("xyz"), min_size=1
)


@st.composite
def tagged(draw: st.DrawFn, token: st.SearchStrategy[str] = TOKEN) -> Tagged:
    words = draw(st.lists(token, min_size=1, max_size=8))
    cuts = sorted(draw(st.sets(st.integers(0, len(words)), max_size=6)))
    places = zip(cuts[::2], cuts[1::2], strict=False)
    return words, [(s, e, draw(st.sampled_from(("PER", "日付", "a-b")))) for s, e in places]


def expected(sentence: Tagged) -> tuple[str, tuple[Span, ...]]:
    """Tokens of scripts with spaces: one space between two."""
    words, spans = sentence
    starts = [len(" ".join([*words[:i], ""])) for i in range(len(words))]
    found = (Span(starts[s], starts[e - 1] + len(words[e - 1]), label) for s, e, label in spans)
    return " ".join(words), tuple(sorted(found))


def check(found: Sequence[Row], sentences: Sequence[Tagged]) -> None:
    assert [(row.text, row.labels["slots"]) for row in found] == [*map(expected, sentences)]


@pytest.mark.parametrize("scheme", ["BIO", "IOB1", "BIOES"])
@pytest.mark.parametrize(("columns", "mark"), [(2, " "), (2, "\t"), (4, " "), (4, "\t")])
@given(sentences=st.lists(tagged(), min_size=2))
def test_any_tokens_of_conll(
    scheme: str,
    columns: int,
    mark: str,
    sentences: list[Tagged],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("conll") / "train.conll"
    conll(path, sentences, scheme, columns, mark)
    assert formats.detect(RawFile(path, path)) == "conll"
    check(read(path, spans={"slots": "tags"}), sentences)


@given(sentences=st.lists(tagged(), min_size=1))
def test_any_tokens_of_hugging_face(
    sentences: list[Tagged], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("hub") / "train.jsonl"
    types = sorted({label for _, spans in sentences for *_, label in spans})
    names = ["O", *(f"{part}-{label}" for label in types for part in "BI")]
    hugging_face(path, sentences, names)
    check(read(path, spans={"slots": "ner_tags"}, names={"ner_tags": names}), sentences)
