"""Readers on real data: counts, exact spans, splits that don't leak, the same bytes every time."""

import hashlib
import io
import json
import random
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.approaches.prompting.answers import Form, letters, spelled
from plait.datasets.base import Reader
from plait.datasets.home_assistant import HomeAssistant
from plait.datasets.massive import Massive, parse_annotation
from plait.datasets.orange import read_tab
from plait.datasets.reuters import Reuters
from plait.datasets.splits import stratified
from plait.datasets.text_files import json_lines
from plait.datasets.twenty_newsgroups import TwentyNewsgroups
from plait.errors import PlaitError
from plait.files import json_line
from plait.tasks import Row, Span, Task, row_to_json
from raw import Raw, counts, labels, needs_mirror, raw

__all__ = ["raw"]

TOP_GROUPS = {"alt", "comp", "misc", "rec", "sci", "soc", "talk"}


# 20 Newsgroups


def test_cachopo_has_the_published_counts(raw: Raw) -> None:
    rows = raw.rows(TwentyNewsgroups())
    assert counts(rows) == {"train": 10163, "dev": 1130, "heldout": 7528}
    assert len(labels(rows, "group", "train")) == 20
    assert labels(rows, "top_group") == TOP_GROUPS
    assert len({row.id for _, row in rows}) == len(rows)


@needs_mirror
def test_raw_posts_have_the_published_counts(raw: Raw) -> None:
    rows = raw.rows(TwentyNewsgroups(variant="raw"))
    assert counts(rows) == {"train": 10182, "dev": 1132, "heldout": 7532}
    assert len(labels(rows, "group", "dev")) == 20
    assert labels(rows, "top_group", "heldout") == TOP_GROUPS
    assert next(row for _, row in rows).text.startswith("From: ")
    assert any("\xe9" in row.text for _, row in rows), "Latin-1 letters survive"


POST = b"""From: someone@example.org
Subject: Re: caf\xe9s

In article <1@x> another@example.org writes:
> Which is best?
The one at the corner.

--
Someone, who signs at length
"""


@pytest.mark.parametrize(
    ("strip", "expected"),
    [
        ((), POST.decode("latin-1")),
        (("headers", "quotes", "footers"), "The one at the corner.\n"),
        (("headers", "footers"), POST.decode("latin-1")[46:131]),
    ],
)
def test_posts_are_latin_1_and_stripped_of_what_is_asked(
    tmp_path: Path, strip: tuple[str, ...], expected: str
) -> None:
    member = tarfile.TarInfo("20news-bydate-test/rec.food/12")
    member.size = len(POST)
    with tarfile.open(tmp_path / "20news-bydate.tar.gz", "w:gz") as archive:
        archive.addfile(member, io.BytesIO(POST))
    reader = TwentyNewsgroups.model_validate({"variant": "raw", "strip": strip})
    ((split, row),) = reader.read(tmp_path, 0)
    assert (split, row.id) == ("heldout", "heldout/rec.food/12")
    assert row.text == expected
    assert row.labels == {"group": "rec.food", "top_group": "rec"}


def test_strip_needs_raw_posts() -> None:
    with pytest.raises(ValidationError, match="`strip` and `sha256` belong to variant 'raw'"):
        TwentyNewsgroups(strip=("headers",))


def test_posts_out_of_place_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "20news-bydate.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("20news-bydate-train/alt.atheism/deep/1"), io.BytesIO())
    with pytest.raises(PlaitError, match=r"member '.*/deep/1' has an unexpected path, expected"):
        list(TwentyNewsgroups(variant="raw").read(tmp_path, 0))


def test_tab_lines_have_two_columns(tmp_path: Path) -> None:
    (tmp_path / "a.tab").write_text("Category\tText\nd\tstring\nclass\t\n\nalt\tone\nalt\n")
    with pytest.raises(PlaitError, match=r"a.tab, line 6: found 1 columns, expected label and tex"):
        list(read_tab(tmp_path, "a.tab"))


# Reuters


@pytest.mark.parametrize(
    ("variant", "topics", "sizes"),
    [
        ("r8", 8, {"train": 4936, "dev": 549, "heldout": 2189}),
        ("r52", 52, {"train": 5878, "dev": 654, "heldout": 2568}),
    ],
)
def test_reuters_has_the_published_counts(
    raw: Raw, variant: str, topics: int, sizes: dict[str, int]
) -> None:
    rows = raw.rows(Reuters.model_validate({"variant": variant}))
    assert counts(rows) == sizes
    assert len(labels(rows, "topic", "train")) == len(labels(rows, "topic")) == topics


# MASSIVE


@needs_mirror
def test_every_massive_annotation_reads_back(raw: Raw) -> None:
    """Text and spans, written as an annotation again, are the annotation of the file."""
    reader = Massive()
    rows = {row.id: row for _, row in raw.rows(reader)}
    assert counts(raw.rows(reader)) == {"train": 7304, "dev": 2033, "heldout": 2974}
    checked = 0
    for _, value in json_lines(raw.folder(reader) / "en-US.jsonl"):
        row = rows[f"{value['partition']}-{value['id']}"]
        spans = row.labels["slots"]
        assert isinstance(spans, tuple)
        text = row.text
        for span in reversed(spans):
            slot = f"[{span.label} : {text[span.start : span.end]}]"
            text = text[: span.start] + slot + text[span.end :]
        assert text == value["annot_utt"]
        assert all(row.text[s.start : s.end].strip() == row.text[s.start : s.end] for s in spans)
        checked += 1
    assert checked == 12311


Words = st.text(st.characters(blacklist_characters="[]:", blacklist_categories=("Cs", "Zs", "Cc")))
Pieces = st.lists(st.tuples(st.sampled_from(["", "time", "place_name"]), Words.filter(bool)))


@given(Pieces)
def test_annotations_of_any_text_read_back(pieces: list[tuple[str, str]]) -> None:
    annotated = " ".join(f"[{slot} : {word}]" if slot else word for slot, word in pieces)
    text, spans = parse_annotation(annotated)
    assert text == " ".join(word for _, word in pieces)
    assert [(s.label, text[s.start : s.end]) for s in spans] == [p for p in pieces if p[0]]


def massive(tmp_path: Path, *lines: bytes) -> list[tuple[str, Row]]:
    (tmp_path / "en-US.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return list(Massive().read(tmp_path, 0))


def utterance(**changes: object) -> bytes:
    value = {
        "id": "7",
        "partition": "train",
        "scenario": "alarm",
        "intent": "alarm_set",
        "utt": "wake me at nine",
        "annot_utt": "wake me at [time : nine]",
    }
    return json.dumps({**value, **changes}).encode()


@given(Pieces, st.randoms(use_true_random=False))
def test_annotations_may_have_other_white_space_than_texts(
    tmp_path_factory: pytest.TempPathFactory,
    pieces: list[tuple[str, str]],
    rng: random.Random,
) -> None:
    """Japanese annotations have white space around slots, and their texts have none."""
    annotated = " ".join(f"[{slot} : {word}]" if slot else word for slot, word in pieces)
    text = "".join(word + rng.choice(["", " ", "  "]) for _, word in pieces)
    line = utterance(utt=text, annot_utt=annotated)
    ((_, row),) = massive(tmp_path_factory.mktemp("massive"), line)
    assert row.text == text
    spans = row.labels["slots"]
    assert isinstance(spans, tuple)
    cut = [(s.label, text[s.start : s.end]) for s in spans if isinstance(s, Span)]
    assert cut == [piece for piece in pieces if piece[0]]


def test_annotation_that_differs_from_its_text(tmp_path: Path) -> None:
    with pytest.raises(PlaitError) as caught:
        massive(tmp_path, utterance(), utterance(utt="wake me at ten", id="8"))
    assert str(caught.value) == (
        f"{tmp_path}/en-US.jsonl, line 2 (id 8): the annotation 'wake me at [time : nine]' reads "
        "'wake me at nine', but the text is 'wake me at ten'. Correct `annot_utt` or `utt`."
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            b'{"id": "1", ',
            "line 2: not valid JSON .*; expected one object per line. Correct or rem",
        ),
        (b"[1, 2]", "line 2: found a JSON list, expected an object with the row's columns"),
        (utterance(partition="tset"), "line 2: partition is 'tset', expected one of train, dev, t"),
        (utterance(utt=7), "line 2: column 'utt': found 7, expected a string"),
        (
            b'{"id": "1", "partition": "dev"}',
            "line 2: column 'utt': columns are 'id', 'partition', ",
        ),
        (utterance(intent="\ud800"), "line 2: column 'intent': holds half of a surrogate pair"),
        (b'{"utt": "caf\xe9"}', "line 2: byte 0xe9 at offset [0-9]+ is not UTF-8. It looks like"),
    ],
)
def test_malformed_rows_are_named(tmp_path: Path, line: bytes, message: str) -> None:
    with pytest.raises(PlaitError, match=message):
        massive(tmp_path, utterance(), line)


def test_byte_offset_counts_from_the_files_start(tmp_path: Path) -> None:
    first = utterance()
    with pytest.raises(PlaitError, match=f"at offset {len(first) + 1 + 5} is not UTF-8"):
        massive(tmp_path, first, b"12345\xff")


def test_raw_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PlaitError, match=r"en-US.jsonl: no such raw file. Bring it with `plait f"):
        list(Massive().read(tmp_path, 0))


def test_massive_of_an_unknown_locale_has_no_pin() -> None:
    (source,) = Massive(locale="de-DE").sources()
    assert source.model_dump()["sha256"] == ()


# Splits and repeatability


@given(
    st.lists(st.tuples(st.text(), st.sampled_from("abc")), unique_by=lambda r: r[0]), st.randoms()
)
def test_stratified_split_does_not_depend_on_order(
    rows: list[tuple[str, str]], shuffle: random.Random
) -> None:
    chosen = stratified(rows, 0.3, 1)
    mixed = rows.copy()
    shuffle.shuffle(mixed)
    assert stratified(mixed, 0.3, 1) == chosen
    for stratum in "abc":
        members = [identity for identity, own in rows if own == stratum]
        assert abs(len(chosen & set(members)) - 0.3 * len(members)) <= 0.5
        assert not members or set(members) - chosen, "some of each stratum stay"


DIGESTS = {
    "home": "c43d6023a876c0dc34375492c2754859912adf7a19fd56f085a669022c8f70df",
    "cachopo": "a8560267eb2df9a08bc2eae45cba8b2af849fd5818a6d0b7c3021e6a2bd3f4cb",
    "r8": "63d52313d93c4257daec615f63b3affdbb6955bd90bda823f45882efc8159588",
}
READERS: dict[str, Reader] = {
    "home": HomeAssistant(),
    "cachopo": TwentyNewsgroups(),
    "r8": Reuters(),
}


@pytest.mark.parametrize("name", READERS)
def test_rows_are_the_same_bytes_on_every_machine(raw: Raw, name: str) -> None:
    """The digests were made on x86-64 Linux with CPython 3.11; no other machine may differ."""
    digest = hashlib.sha256()
    for split, row in raw.rows(READERS[name]):
        digest.update(split.encode() + json_line(row_to_json(row)))
    assert digest.hexdigest() == DIGESTS[name]


def test_rows_do_not_depend_on_hash_seeds(raw: Raw) -> None:
    code = (
        "import sys, hashlib; from pathlib import Path;"
        "from plait.datasets.home_assistant import HomeAssistant, Sizes;"
        "from plait.tasks import row_to_json; from plait.files import json_line;"
        "reader = HomeAssistant(rows=Sizes(train=200, dev=50, heldout=100));"
        "rows = b''.join(json_line(row_to_json(r)) for _, r in reader.read(Path(sys.argv[1]), 5));"
        "print(hashlib.sha256(rows).hexdigest())"
    )
    folder = str(raw.folder(HomeAssistant()))
    found = {
        subprocess.run(
            [sys.executable, "-c", code, folder],
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_limit_keeps_a_sample_that_any_order_gives(raw: Raw) -> None:
    reader = TwentyNewsgroups(limit={"train": 50, "heldout": 20})
    rows = list(reader.limited(raw.folder(reader), 17))
    assert counts(rows) == {"train": 50, "dev": 1130, "heldout": 20}
    assert len(labels(rows, "group", "train")) > 10


# Answers


def _reads_back(rows: list[tuple[str, Row]], least: int) -> None:
    """Every row's labels, written as an answer for a decoder, are read back."""
    task = Task("slots", "d", "tagging", "slots", tuple(sorted(_types(rows))), "span_f1")
    form, with_spans = Form((task,), letters, end=0), 0
    for _, row in rows:
        found = form.read(row.text, spelled((task,), row.text, row.labels))
        assert found == ({"slots": row.labels["slots"]}, True), row
        with_spans += bool(row.labels["slots"])
    assert with_spans >= least


def _types(rows: list[tuple[str, Row]]) -> set[str]:
    return {s.label for _, row in rows for s in row.labels["slots"] or () if isinstance(s, Span)}


@needs_mirror
def test_every_row_of_massive_reads_back_as_an_answer(raw: Raw) -> None:
    _reads_back(raw.rows(Massive()), 8000)


def test_every_row_of_home_assistant_reads_back_as_an_answer(raw: Raw) -> None:
    _reads_back(raw.rows(HomeAssistant()), 1000)
