"""MASSIVE 1.1: utterances to a voice assistant, with scenario, intent and slots.

Jack FitzGerald et al., "MASSIVE: A 1M-Example Multilingual Natural Language Understanding Dataset
with 51 Typologically-Diverse Languages", ACL 2023.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from plait.datasets.base import Reader
from plait.datasets.text_files import column, json_lines, open_raw
from plait.errors import PlaitError
from plait.sources import Source, Upstream
from plait.sources.base import Sha256
from plait.tasks import Label, Row, Span, Split, TaskKind

_URL = "https://amazon-massive-nlu-dataset.s3.amazonaws.com/amazon-massive-dataset-1.1.tar.gz"
_SLOT = re.compile(r"\[([^\[\]:]+?) : ([^\[\]]*)\]")
_PARTITIONS: Mapping[str, Split] = {"train": "train", "dev": "dev", "test": "heldout"}
# Upstream's digests are not known yet: a user who downloads it sets `sha256`.
_PINS: Mapping[str, tuple[str, ...]] = {
    # A reconstruction of en-US from SLURP and HWU64, with fewer training rows than upstream's.
    "en-US": ("cd822c7564fa2667fdec12cc58e0384d8c66c70403850c0211ebf39d373ce84c",),
}


class Massive(Reader):
    """One locale of MASSIVE. `sha256` pins the locale's jsonl file."""

    reader: Literal["massive"] = "massive"
    locale: Annotated[str, Field(pattern=r"^[a-z]{2}-[A-Z]{2}$")] = "en-US"
    sha256: Sha256 | None = None
    fields: ClassVar[Mapping[str, TaskKind]] = {
        "intent": "classification",
        "scenario": "classification",
        "slots": "tagging",
    }

    def sources(self) -> list[Source]:
        return [
            Upstream(
                target=f"{self.locale}.jsonl",
                path=f"massive/1.1/data/{self.locale}.jsonl",
                url=_URL,
                member=f"1.1/data/{self.locale}.jsonl",
                sha256=(self.sha256,) if self.sha256 else _PINS.get(self.locale, ()),
            )
        ]

    def read(self, folder: Path, seed: int) -> Iterator[tuple[Split, Row]]:
        path = open_raw(folder, f"{self.locale}.jsonl")
        for number, value in json_lines(path):
            where = f"{path}, line {number}"
            yield _split(value, where), _row(value, where)


def _split(value: dict[str, Any], where: str) -> Split:
    partition = column(value, "partition", where)
    if partition not in _PARTITIONS:
        raise PlaitError(
            f"{where}: partition is {partition!r}, expected one of {', '.join(_PARTITIONS)}."
        )
    return _PARTITIONS[partition]


def _row(value: dict[str, Any], where: str) -> Row:
    identity, text, scenario, intent, annotated = (
        column(value, name, where) for name in ("id", "utt", "scenario", "intent", "annot_utt")
    )
    plain, annotation = parse_annotation(annotated)
    spans = _in_text(annotation, plain, text)
    if spans is None:
        raise PlaitError(
            f"{where} (id {identity}): the annotation {annotated!r} reads {plain!r}, "
            f"but the text is {text!r}. Correct `annot_utt` or `utt`."
        )
    partition = value["partition"]
    labels: dict[str, Label] = {"intent": intent, "scenario": scenario, "slots": spans}
    return Row(f"{partition}-{identity}", text, labels)


def _in_text(spans: tuple[Span, ...], plain: str, text: str) -> tuple[Span, ...] | None:
    """The spans of `plain` as places of `text`; None if they differ in more than white space.

    Annotations have white space around slots also where the text has none, as in Japanese.
    """
    if plain == text:
        return spans
    if "".join(plain.split()) != "".join(text.split()):
        return None
    places = [place for place, character in enumerate(text) if not character.isspace()]
    before = [0, *accumulate(not character.isspace() for character in plain)]
    return tuple(
        Span(places[before[span.start]], places[before[span.end] - 1] + 1, span.label)
        for span in spans
        if span.start < span.end
    )


def parse_annotation(annotated: str) -> tuple[str, tuple[Span, ...]]:
    """`wake me at [time : nine am]` → its plain text and its slots as spans."""
    plain, spans, end = "", [], 0
    for match in _SLOT.finditer(annotated):
        plain += annotated[end : match.start()]
        label, value = match[1].strip(), match[2].strip()
        spans.append(Span(len(plain), len(plain) + len(value), label))
        plain += value
        end = match.end()
    return plain + annotated[end:], tuple(spans)
