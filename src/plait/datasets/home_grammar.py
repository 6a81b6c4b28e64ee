"""Home Assistant's sentence templates, walked at random: texts with exact spans.

hassil parses the templates. Its sampler enumerates all texts and loses the positions of the slots,
so this module walks hassil's expressions itself.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hassil import expression as hx
from hassil.intents import Intents, RangeSlotList, TextSlotList
from hassil.numbers import get_rbnf_engine

from plait.datasets.home_values import LISTS, NAMES
from plait.errors import PlaitError
from plait.tasks import Span, Split

_SPACES = re.compile(r"\s+")
_DIGITS_SHARE = 0.7
T = TypeVar("T")
Piece = tuple[str, str | None]
Resolved = tuple["str | hx.ListReference", ...]


@dataclass(frozen=True)
class Template:
    """A sentence template of an intent; `domains` are the domains of values for its {name}."""

    intent: str
    text: str
    sentence: hx.Sentence
    domains: tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """A text with its slots, and its skeleton."""

    text: str
    slots: tuple[Span, ...]
    skeleton: str


class Grammar:
    """The templates of a language file and the values of their lists."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._intents = Intents.from_dict(dict(data))

    def templates(self) -> dict[str, list[Template]]:
        """Intent → its distinct sentence templates."""
        return {name: self._of_intent(name) for name in sorted(self._intents.intents)}

    def _of_intent(self, name: str) -> list[Template]:
        """The templates of an intent; a sentence for several domains is one template."""
        found: dict[str, Template] = {}
        for block in self._intents.intents[name].data:
            for sentence in block.sentences:
                same = found.get(sentence.text)
                domains = block.domains | set(same.domains if same else ())
                template = Template(name, sentence.text, sentence, tuple(sorted(domains)))
                found[sentence.text] = template
        return list(found.values())

    def resolve(self, template: Template, draw: random.Random) -> Resolved:
        """Draw one of the alternatives everywhere; lists stay unfilled."""
        return tuple(self._walk(template.sentence.expression, draw))

    def fill(
        self, resolved: Resolved, template: Template, split: Split, draw: random.Random
    ) -> Sample:
        """Fill each list with a value of the split."""
        pieces = [
            (piece, None)
            if isinstance(piece, str)
            else (self._value(piece.list_name, template, split, draw), piece.slot_name)
            for piece in resolved
        ]
        return Sample(*_assemble(pieces), skeleton(resolved))

    def _walk(self, found: hx.Expression, draw: random.Random) -> Iterator[str | hx.ListReference]:
        if isinstance(found, hx.TextChunk):
            yield found.original_text
        elif isinstance(found, hx.ListReference):
            yield found
        elif isinstance(found, hx.RuleReference):
            yield from self._walk(self._intents.expansion_rules[found.rule_name].expression, draw)
        elif isinstance(found, hx.Alternative):
            yield from self._walk(pick(found.items, draw), draw)
        elif isinstance(found, hx.Group):
            permuted = isinstance(found, hx.Permutation)
            for item in _shuffled(found.items, draw) if permuted else found.items:
                yield from self._walk(item, draw)
        else:
            raise PlaitError(f"unknown part {type(found).__name__} in a sentence template")

    def _value(self, name: str, template: Template, split: Split, draw: random.Random) -> str:
        if name == "name":
            return pick(_of_split(_names(template), split), draw)
        if name in LISTS:
            return pick(_of_split(LISTS[name], split), draw)
        found = self._intents.slot_lists.get(name)
        if isinstance(found, RangeSlotList):
            return _number(pick(list(found.get_numbers()), draw), draw)
        if isinstance(found, TextSlotList):
            parts = self._walk(pick(found.values, draw).text_in, draw)
            return "".join(str(part) for part in parts).strip()
        raise PlaitError(
            f"{template.intent}: list {{{name}}} has no values; add some to "
            "plait/datasets/home_values.py"
        )


def skeleton(resolved: Resolved) -> str:
    """The text with {slot} in place of each value, in lower case."""
    pieces = [(p, None) if isinstance(p, str) else (f"{{{p.slot_name}}}", None) for p in resolved]
    return _assemble(pieces)[0].lower()


def pick(items: Sequence[T], draw: random.Random) -> T:
    """Draw one item; uses only `random()`, which gives the same values in all Python versions."""
    return items[int(draw.random() * len(items))]


def _shuffled(items: Sequence[hx.Expression], draw: random.Random) -> list[hx.Expression]:
    return [item for _, item in sorted(((draw.random(), item) for item in items), key=_first)]


def _first(pair: tuple[float, hx.Expression]) -> float:
    return pair[0]


def _names(template: Template) -> tuple[str, ...]:
    known = [name for domain in template.domains for name in NAMES.get(domain, ())]
    if not known:
        raise PlaitError(
            f"{template.intent}: no {{name}} is known for the domains "
            f"{', '.join(template.domains) or '(none)'}; add some to plait/datasets/home_values.py"
        )
    return tuple(known)


def _of_split(values: Sequence[str], split: Split) -> list[str]:
    """The values of a split: of every six, the fifth is only in dev, the sixth only in held-out."""
    own = {"train": (), "dev": (4,), "heldout": (5,)}[split]
    return [value for index, value in enumerate(values) if index % 6 < 4 or index % 6 in own]


def _number(value: float, draw: random.Random) -> str:
    if draw.random() < _DIGITS_SHARE:
        return f"{value:g}"
    return str(get_rbnf_engine("en").format_number(value).text_by_ruleset["spellout-cardinal"])


def _assemble(pieces: Sequence[Piece]) -> tuple[str, tuple[Span, ...]]:
    """Join pieces with single spaces; the pieces that carry a slot's name become spans."""
    text, spans = "", []
    for piece, slot in pieces:
        part = _SPACES.sub(" ", piece)
        part = part.lstrip() if text.endswith(" ") or not text else part
        if slot:
            spans.append(Span(len(text), len(text) + len(part), slot))
        text += part
    return text.rstrip(), tuple(spans)
