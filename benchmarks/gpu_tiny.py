"""Data and backbones for a dry campaign: tiny, random, in the layout of the real ones."""

import io
import json
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from massive import ROOT

sys.path.insert(0, str(ROOT / "tests/support"))
import tiny_models

VERBS = {"light_on": "turn on", "light_off": "turn off", "light_query": "what about"}
ROOMS = ("kitchen", "bedroom", "garage", "hall", "office", "attic")
GROUPS = ("rec.autos", "rec.sport.hockey", "sci.space", "talk.politics.misc")


def write(folder: Path) -> None:
    """`mirror/`, `downloads/` and `backbones/`, anew unless they are whole."""
    if (folder / "backbones/smollm2/config.json").is_file():
        return
    (folder / "downloads").mkdir(exist_ok=True)
    utterances = list(_utterances())
    _massive(folder / "mirror/massive/1.1/data/en-US.jsonl", utterances)
    _newsgroups(folder / "mirror/20news-bydate.tar.gz")
    texts = [text for _, text, _ in utterances]
    for name, make in (("minilm", tiny_models.encoder), ("smollm2", tiny_models.decoder)):
        scratch = folder / "backbones" / f".{name}"
        scratch.mkdir(parents=True, exist_ok=True)
        make(scratch, texts)
        published = folder / "mirror/hub/tiny" / name / ("0" * 40)
        shutil.copytree(scratch, published, ignore=shutil.ignore_patterns("backbone.json"))
        scratch.replace(folder / "backbones" / name)


def _utterances() -> Iterator[tuple[str, str, str]]:
    """Intent, text and annotated text."""
    for number in range(120):
        intent = sorted(VERBS)[number % len(VERBS)]
        room = ROOMS[number // len(VERBS) % len(ROOMS)]
        beginning, place = VERBS[intent], f"number {number}"
        yield (
            intent,
            f"{beginning} the {room} {place}",
            f"{beginning} the [room : {room}] {place}",
        )


def _massive(path: Path, utterances: list[tuple[str, str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        for number, (intent, text, annotated) in enumerate(utterances):
            row = {
                "id": str(number),
                "locale": "en-US",
                "partition": ("train", "train", "train", "dev", "test")[number // 3 % 5],
                "scenario": "light",
                "intent": intent,
                "utt": text,
                "annot_utt": annotated,
                "worker_id": "0",
            }
            stream.write(json.dumps(row) + "\n")


def _newsgroups(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for number in range(160):
            group = GROUPS[number % len(GROUPS)]
            part = "test" if number // len(GROUPS) % 4 == 3 else "train"
            words = " ".join(f"{group.replace('.', ' ')} {number * k % 97}" for k in range(1, 7))
            content = f"Subject: {group} {number}\n\n{words}\n".encode("latin-1")
            member = tarfile.TarInfo(f"20news-bydate-{part}/{group}/{10_000 + number}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
