"""A tokenizer that reads texts as plait does, and the heads that an export is compared with."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from plait.approaches.heads.graph import OnnxGraph
from plait.approaches.heads.kept import BACKBONE, GRAPH, SETTINGS, Kept
from plait.approaches.heads.model import Heads
from plait.approaches.reading.texts import Texts, Vocabulary, hide
from plait.exporting.exported import Exported
from plait.exporting.samples import SPELLED
from plait.files import read_json

SPELLED_OUT = (
    "A text that spells out a control token of the tokenizer (such as `</s>`) gets another answer: "
    "plait reads it as text."
)


def heads_of(exported: Exported) -> Heads:
    """The bundle's model with answers in float32, by its graph where it has one."""
    folder, tasks = exported.bundle, exported.candidate.tasks
    settings = read_json(folder / SETTINGS)
    kept = replace(Kept.from_json(settings), precision="fp32")
    vocabulary = Vocabulary.load(folder / BACKBONE, settings["vocabulary"])
    if (folder / GRAPH).is_file():
        return Heads(tasks, kept, vocabulary, OnnxGraph(folder, tasks))
    from plait.approaches.heads.eager import Eager

    return Heads(tasks, kept, vocabulary, Eager.load(folder, tasks, kept))


def plain(texts: Texts, hidden: bool = False) -> Tokenizer:
    """A tokenizer whose own marks and blanks are those that plait puts around a text.

    It must be told to read special tokens in a text as text (`encode_special_tokens`).

    Args:
        hidden: rename control tokens that a Unigram vocabulary holds as pieces, so that no text
            spells them. transformers would add them anew.
    """
    state = json.loads(texts.backend.to_str())
    state.update(truncation=None, padding=None)
    for token in state["added_tokens"]:
        token["special"] = token["special"] or token["content"] in texts.control
    if hidden and state["model"]["type"] == "Unigram":
        hide(state, texts.control)
    if texts.lead:
        steps = [{"type": "Prepend", "prepend": texts.lead}, state["normalizer"]]
        state["normalizer"] = {"type": "Sequence", "normalizers": [s for s in steps if s]}
    extra = texts.before[: len(texts.before) - len(Texts(texts.vocabulary).before)]
    if extra:
        steps = [state["post_processor"], _opening(texts.backend, extra[0])]
        state["post_processor"] = {"type": "Sequence", "processors": [s for s in steps if s]}
    return Tokenizer.from_str(json.dumps(state))


def _opening(backend: Tokenizer, mark: int) -> dict[str, Any]:
    """A step that puts a mark before a text."""
    name = backend.id_to_token(mark)
    first, text = {"SpecialToken": {"id": name, "type_id": 0}}, {"Sequence": {"id": "A"}}
    both = [first, text | {"Sequence": {"id": "A", "type_id": 0}}]
    pair = [*both, {"Sequence": {"id": "B", "type_id": 1}}]
    special = {name: {"id": name, "ids": [mark], "tokens": [name]}}
    return {
        "type": "TemplateProcessing",
        "single": both,
        "pair": pair,
        "special_tokens": special,
    }


def short(heads: Heads, texts: list[str]) -> list[str]:
    """Texts that are read as one slice, so that nothing but the model decides their answers.

    Those that spell out a control token are left out: `spelled` is such a one.
    """
    room, control = heads.texts.room(heads.kept.max_length) - 2, heads.texts.control
    found = [text for text in texts if not any(mark in text for mark in control)]
    return [text for text in found if len(heads.texts.whole(text).ids) <= room]


def spelled(heads: Heads) -> str:
    """A text that spells out a control token."""
    return SPELLED.format(min(heads.texts.control, default="[SEP]"))


def cut_note(heads: Heads, tasks: Exported) -> str:
    """What is read of a long text, there and here."""
    most = heads.kept.max_length
    slices = heads.kept.windows or any(not task.whole_text for task in tasks.candidate.tasks)
    own = "its slices of that length" if slices else f"its first {most} tokens, too"
    return f"Of a text of more than {most} tokens the first {most} are read; plait reads {own}."


def copy(source: Path, target: Path) -> None:
    """Copy a file's bytes."""
    with source.open("rb") as original, target.open("wb") as stream:
        shutil.copyfileobj(original, stream, 1 << 20)
