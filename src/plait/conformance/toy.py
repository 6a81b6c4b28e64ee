"""Toy commands in several languages, with intent and slots: separable, so any model learns them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from string import ascii_letters
from typing import Literal

from plait.tasks import Row, Span, Task, is_spans

INTENT = Task("intent", "toy", "classification", "intent", ("off", "on", "query"), "accuracy")
SLOTS = Task("slots", "toy", "tagging", "slots", ("number", "room"), "span_f1")
TASKS = (INTENT, SLOTS)
SEVERAL = Task("several", "toy", "multilabel", "several", ("number", "off", "on"), "micro_f1")
"""Whether a command has a number, and what it does, unless it asks: two labels, one, or none."""
ROOM, NUMBER = "⟨room⟩", "⟨number⟩"


@dataclass(frozen=True)
class Language:
    """How a language says a command.

    Attributes:
        commands: for each intent the sentence, with the place of the room.
        numbered: the same, with the place of a number.
        rooms: names that are spans whole.
        filler: what makes a text long.
    """

    name: str
    commands: dict[str, str]
    numbered: dict[str, str]
    rooms: tuple[str, ...]
    filler: str

    def phrases(self) -> list[str]:
        """What texts are put together from; a token that spans two of them could cut a span."""
        sentences = [*self.commands.values(), *self.numbered.values()]
        split = [s.replace(NUMBER, ROOM).split(ROOM) for s in sentences]
        parts = [part.strip() for each in split for part in each]
        return [*filter(None, parts), *self.rooms, self.filler.strip(), *"123456789"]


def _language(
    name: str, commands: tuple[str, str, str], number: str, rooms: tuple[str, ...], filler: str
) -> Language:
    """Commands in the order of the intents; `number` follows the room."""
    by_intent = dict(zip(INTENT.labels, commands, strict=True))
    numbered = {intent: said.replace(ROOM, ROOM + number) for intent, said in by_intent.items()}
    return Language(name, by_intent, numbered, rooms, filler)


LANGUAGES = (
    _language(
        "English",
        (f"turn off the {ROOM}", f"turn on the {ROOM}", f"what about the {ROOM} then"),
        f" number {NUMBER}",
        ("kitchen", "bedroom", "garage", "living room", "office", "attic"),
        "please ",
    ),
    _language(
        "Chinese",
        (f"关闭{ROOM}", f"打开{ROOM}", f"查询{ROOM}吗"),
        f"{NUMBER}号灯",
        ("厨房", "卧室", "车库", "客厅", "书房", "阁楼"),
        "谢谢",
    ),
    _language(
        "Thai",
        (f"ดับไฟ{ROOM}", f"เปิดไฟ{ROOM}", f"ตรวจสอบ{ROOM}หรือ"),
        f"หมายเลข {NUMBER}",
        ("ครัว", "ห้องนอน", "โรงรถ", "ห้องนั่งเล่น", "สำนักงาน", "ดาดฟ้า"),
        "ขอบคุณ",
    ),
    _language(
        "Arabic",
        (f"أطفئ {ROOM}", f"شغل {ROOM}", f"ماذا عن {ROOM} الآن"),
        f" رقم {NUMBER}",
        ("المطبخ", "غرفة النوم", "المرآب", "الصالة", "المكتب", "العلية"),
        "شكرا ",
    ),
    _language(
        "Emoji",  # English with a family (joined by ZWJ), a flag, a skin tone: within spans, too
        (f"turn off 🌑 the {ROOM}", f"turn on 💡 the {ROOM} 🙏🏿", f"what about the {ROOM} 🇩🇪"),
        f" number {NUMBER}",
        ("👨‍👩‍👧 room", "🧑🏽‍🍳 kitchen", "garage 🚗", "🇫🇷 office", "attic", "hall 👍🏾"),
        "🙂 ",
    ),
)


Languages = Sequence[Language]


def language(name: str) -> Language:
    """The language of that name."""
    return next(each for each in LANGUAGES if each.name == name)


def rows(spoken: Language, split: Literal["train", "test"]) -> list[Row]:
    """Commands with and without a number; test rows have combinations that no train row has.

    Each command stands there twice, the second time with something that means nothing: it is the
    same for all intents, or it would give them away.
    """
    kept = [row for row, held_out in _all_rows(spoken) if held_out == (split == "test")]
    nothings = (spoken.filler.strip(), "<xq>", "[ZZZ]", "<|k_w|>", "</p><p>")
    places = [i % (len(kept) // len(INTENT.labels)) for i in range(len(kept))]
    noisy = (
        _noisy(row, nothings[i % 5] * (1 + i % 3), i % 2 == 0)
        for i, row in zip(places, kept, strict=True)
    )
    return [*kept, *noisy]


def _noisy(row: Row, nothing: str, before: bool) -> Row:
    shift = len(nothing) + 1 if before else 0
    moved = tuple(Span(s.start + shift, s.end + shift, s.label) for s in spans_of(row))
    text = f"{nothing} {row.text}" if before else f"{row.text} {nothing}"
    return Row(f"{row.id}-noisy", text, {**row.labels, "slots": moved})


def _all_rows(spoken: Language) -> Iterator[tuple[Row, bool]]:
    """Each intent and room three times; of these, one is held out."""
    for (i, intent), (j, room) in product(enumerate(INTENT.labels), enumerate(spoken.rooms)):
        first = (len(spoken.rooms) * i + j) % 9
        numbers = ("", str(1 + first), str(1 + (first + 4) % 9))
        for number in numbers:
            sentence = (spoken.numbered if number else spoken.commands)[intent]
            held_out = number == numbers[0 if (i + j) % 2 else 2]
            yield _row(f"{spoken.name}-{i}{j}{number}", sentence, intent, room, number), held_out


def _row(name: str, sentence: str, intent: str, room: str, number: str) -> Row:
    before, after = sentence.split(ROOM)
    text = before + room + after
    spans = [Span(len(before), len(before) + len(room), "room")]
    if NUMBER in text:
        at = text.index(NUMBER)
        text = text.replace(NUMBER, number)
        spans.append(Span(at, at + len(number), "number"))
    several = tuple(
        label for label in SEVERAL.labels if label in ("number" if number else "", intent)
    )
    return Row(name, text, {"intent": intent, "slots": tuple(sorted(spans)), "several": several})


def spans_of(row: Row) -> tuple[Span, ...]:
    """The row's gold spans."""
    label = row.labels["slots"]
    return label if is_spans(label) else ()


def long_text(spoken: Language, tokens: int) -> str:
    """A command with more than so many tokens after it, whatever the tokenizer."""
    return rows(spoken, "test")[0].text + " " + spoken.filler * tokens


INVISIBLE = ("", " ", "\u200b\u200b", "\ufeff", "\u2800 \u00ad", "\u202e\u200f")
"""Texts of which nothing can be seen."""


def alike(token: str) -> str:
    """Plain words of the look of a control token: each letter is the next one."""
    return token.translate(_NEXT)


_NEXT = str.maketrans(ascii_letters, ascii_letters[1:] + ascii_letters[:1])
