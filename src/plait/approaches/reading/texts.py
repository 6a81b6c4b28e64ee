"""Texts of users as tokens: whatever a text holds is text, never a control token."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from plait.segmentation import Place, words

Tokens = tuple[int, ...]
MARK = (0, 0)
"""The place of a token that stands for no text."""
_SPACES = ("Ġ", "▁")
"""How byte-level and SentencePiece vocabularies write a space."""


@dataclass(frozen=True)
class Encoded:
    """A text's tokens.

    Attributes:
        ids: one for each token.
        places: (start, end) characters of each; that of a begin or end mark is MARK.
        read: how many characters the tokens cover, from the text's beginning.
        unknown: tokens that stand for text that the vocabulary lacks.
    """

    ids: list[int]
    places: list[Place]
    read: int
    unknown: int


@dataclass(frozen=True)
class Vocabulary:
    """What of a tokenizer decides the tokens of a text.

    Attributes:
        backend: the tokenizer of the tokenizers library.
        control: tokens that steer a model, and that no text may spell out.
        unknown: number of the token that stands for what the vocabulary lacks.
        padding: number of the token that fills a batch.
        opening: number of the mark that may stand before a text.
    """

    backend: Tokenizer
    control: frozenset[str]
    unknown: int | None
    padding: int
    opening: int | None

    @classmethod
    def of(cls, tokenizer: Any) -> "Vocabulary":
        """That of a fast tokenizer of transformers."""
        opening = tokenizer.bos_token_id
        return cls(
            tokenizer.backend_tokenizer,
            control_tokens(tokenizer),
            tokenizer.unk_token_id,
            tokenizer.pad_token_id or 0,
            tokenizer.eos_token_id if opening is None else opening,
        )

    def as_json(self) -> dict[str, Any]:
        """All but the backend, which is a file of its own (tokenizer.json)."""
        return {
            "control": sorted(self.control),
            "unknown": self.unknown,
            "padding": self.padding,
            "opening": self.opening,
        }

    @classmethod
    def load(cls, folder: Path, value: Mapping[str, Any]) -> "Vocabulary":
        """From a folder with tokenizer.json, and what `as_json` gave; without transformers."""
        backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
        return cls(backend, **{**value, "control": frozenset(value["control"])})


class Texts:
    """Encodes texts as a tokenizer does.

    Control tokens that a text spells out (`[SEP]`, `<|im_end|>`) become the tokens of those
    letters. Begin and end marks are the tokenizer's own.

    Args:
        begin: put a begin mark before a text where the tokenizer puts none, and a space where words
            after a space are other tokens than those at a text's beginning. The vector of the very
            first token gathers what attention goes nowhere else (Xiao et al. 2023, arXiv
            2309.17453), so a decoder's first word needs something before it.
    """

    def __init__(self, vocabulary: Vocabulary, begin: bool = False) -> None:
        self.vocabulary, self.backend = vocabulary, vocabulary.backend
        self.control, self.unknown = vocabulary.control, vocabulary.unknown
        self.before, self.after = _marks(self._reader)
        self._tokens = lru_cache(maxsize=1 << 15)(self._encoded)
        self.lead = ""
        if begin:
            self._begin(vocabulary.opening)

    @classmethod
    def of(cls, tokenizer: Any, begin: bool = False) -> "Texts":
        """With a fast tokenizer of transformers."""
        return cls(Vocabulary.of(tokenizer), begin)

    def _begin(self, mark: int | None) -> None:
        if mark is not None and mark not in self.before:
            self.before = (mark, *self.before)
        joined, spaced = (self._natural.encode(text).tokens[:1] for text in ("a", " a"))
        if spaced and spaced[0].startswith(_SPACES) and not joined[0].startswith(_SPACES):
            self.lead = " "

    @cached_property
    def _natural(self) -> Tokenizer:
        return _copy(self.backend, self.control)

    @cached_property
    def bare(self) -> Tokenizer:
        """Reads what follows on other text: it puts no space before it."""
        return _copy(self.backend, self.control, prefix=False)

    @cached_property
    def _reader(self) -> Tokenizer:
        return _copy(self.backend, ())

    @cached_property
    def _parser(self) -> Tokenizer:
        return _copy(self.backend, (), prefix=False)

    @cached_property
    def _numbers(self) -> frozenset[int]:
        """Control tokens, but for the one that stands for unknown text."""
        numbers = map(self.backend.token_to_id, self.control)
        return frozenset(n for n in numbers if n not in (None, self.unknown))

    def room(self, longest: int) -> int:
        """Tokens of text among `longest`, the others being marks."""
        return max(1, longest - len(self.before) - len(self.after))

    def encode(self, texts: Sequence[str], longest: int) -> list[Encoded]:
        """Tokens with begin and end marks, at most `longest` a text."""
        leading = [text and self.lead + text for text in texts]
        found = self._natural.encode_batch(leading, add_special_tokens=False)
        room = self.room(longest)
        cut = (self._cut(e, t, t and self.lead, room) for e, t in zip(found, texts, strict=True))
        return [
            Encoded(
                [*self.before, *body.ids, *self.after],
                [*[MARK] * len(self.before), *body.places, *[MARK] * len(self.after)],
                body.read,
                body.unknown,
            )
            for body in cut
        ]

    def whole(self, text: str) -> Encoded:
        """All tokens of a text, without marks."""
        lead = text and self.lead
        return self._cut(
            self._natural.encode(lead + text, add_special_tokens=False), text, lead, None
        )

    def continued(self, text: str, longest: int | None = None, lead: str = "") -> Encoded:
        """Tokens of a text that follows others, after `lead`; no marks."""
        encoding = self.bare.encode(lead + text, add_special_tokens=False)
        return self._cut(encoding, text, lead, longest)

    def tokens(self, text: str) -> Tokens:
        """All tokens of a text that follows others; no marks."""
        return self._tokens(text)

    def _encoded(self, text: str) -> Tokens:
        return tuple(self.continued(text).ids) if text else ()

    def parsed(self, part: str, first: bool = False) -> Tokens:
        """Tokens of a part of a chat template: control tokens count as such.

        Args:
            first: whether the prompt begins with it.
        """
        encoder = self._reader if first else self._parser
        return tuple(encoder.encode(part, add_special_tokens=False).ids) if part else ()

    def _cut(self, encoding: Any, text: str, lead: str, room: int | None) -> Encoded:
        offsets = [(max(0, a - len(lead)), max(0, b - len(lead))) for a, b in encoding.offsets]
        ids, places = self._safe(encoding.ids, offsets)
        whole = room is None or len(ids) <= room
        ids, places = ids[:room], places[:room]
        read = len(text) if whole else max((end for _, end in places), default=0)
        return Encoded(ids, places, read, ids.count(-1 if self.unknown is None else self.unknown))

    def _safe(self, ids: list[int], places: list[Place]) -> tuple[list[int], list[Place]]:
        """Without control tokens: some vocabularies hold them as ordinary words."""
        if self._numbers.isdisjoint(ids):
            return ids, places
        if self.unknown is not None:
            return [self.unknown if i in self._numbers else i for i in ids], places
        kept = [n for n, i in enumerate(ids) if i not in self._numbers]
        return [ids[n] for n in kept], [places[n] for n in kept]


def control_tokens(tokenizer: Any) -> frozenset[str]:
    """Tokens that steer a model: those that are marked so, and those of its chat template."""
    template = str(tokenizer.chat_template or "")
    added = tokenizer.added_tokens_decoder.values()
    return frozenset(
        {str(token) for token in added if token.special or str(token) in template}
        | set(tokenizer.all_special_tokens)
    )


def _copy(backend: Tokenizer, control: Collection[str], prefix: bool = True) -> Tokenizer:
    """A copy that reads `control` as text, pads and cuts nothing.

    Args:
        prefix: whether it puts a space before a text, where the tokenizer does so.
    """
    state = json.loads(backend.to_str())
    state.update(truncation=None, padding=None)
    for token in state["added_tokens"]:
        token["special"] = token["special"] or token["content"] in control
    if state["model"]["type"] == "Unigram" and control:
        hide(state, control)
    if not prefix:
        state["normalizer"] = _without_prefix(state["normalizer"])
        state["pre_tokenizer"] = _without_prefix(state["pre_tokenizer"])
    found: Tokenizer = Tokenizer.from_str(json.dumps(state))
    found.encode_special_tokens = bool(control)
    return found


def hide(state: dict[str, Any], control: Collection[str]) -> None:
    """Unigram models hold control tokens among their pieces, with the highest score of all."""
    unknown, vocabulary = state["model"]["unk_id"], state["model"]["vocab"]
    hidden = set()
    for number, entry in enumerate(vocabulary):
        if entry[0] in control and number != unknown:
            hidden.add(entry[0])
            entry[0] = f"\uffff{number}\uffff"  # no character, so no text has it
    state["added_tokens"] = [t for t in state["added_tokens"] if t["content"] not in hidden]


def _without_prefix(step: Any) -> Any:
    """A normaliser or pre-tokeniser that puts no space before a text."""
    if not step:
        return step
    step = dict(step)
    for several in ("normalizers", "pretokenizers"):
        if several in step:
            step[several] = [s for s in map(_without_prefix, step[several]) if s]
    if step["type"] == "Prepend":
        return None
    if "prepend_scheme" in step:
        step["prepend_scheme"] = "never"
    if "add_prefix_space" in step:
        step["add_prefix_space"] = False
    return step


def _marks(reader: Tokenizer) -> tuple[Tokens, Tokens]:
    """The marks that a tokenizer puts before and after a text."""
    found = reader.encode("a")
    inside = [i for i, mark in enumerate(found.special_tokens_mask) if not mark]
    if not inside:
        return (), ()
    return tuple(found.ids[: inside[0]]), tuple(found.ids[inside[-1] + 1 :])


def units(text: str, encoded: Encoded, last: bool) -> list[tuple[int, Place]]:
    """What a model of tokens can tag: a token's position, and the (start, end) characters it names.

    They are the words of the text. A word's token is its first, or with `last` its last, which
    alone has seen the whole word where tokens attend to those before them. Words that share one
    are one unit; words without a token are none.
    """
    found: list[tuple[int, Place]] = []
    tokens = [(i, a, b) for i, (a, b) in enumerate(encoded.places) if b > a]
    begin = 0
    for start, end in words(text):
        while begin < len(tokens) and tokens[begin][2] <= start:
            begin += 1
        inside = begin
        while inside < len(tokens) and tokens[inside][1] < end:
            inside += 1
        if inside == begin:
            continue
        position = tokens[inside - 1 if last else begin][0]
        if found and found[-1][0] == position:
            found[-1] = (position, (found[-1][1][0], end))
        else:
            found.append((position, (start, end)))
    return found
