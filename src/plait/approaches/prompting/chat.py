"""A prompt: the tokens before a text, those after it, and the token that ends an answer.

A prompt is rendered with a stand-in for each content (instruction, examples, text). So the control
tokens of a chat template are told apart from those that a content spells out: these are text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

from jinja2 import TemplateError

from plait.approaches.reading.texts import Texts, Tokens
from plait.errors import PlaitError

Shot = tuple[str, str]
"""A text and its right answer."""
Turn = tuple[str, str | None]
"""A text and its answer; None for the answer that is asked for."""
_STAND_IN = re.compile("\ue000([0-9]+)\ue001")
"""The number of a content between private characters, which no template uses."""


@dataclass(frozen=True)
class Prompt:
    """Tokens around a text. `prefix` is the same for every text, so it is read once."""

    prefix: Tokens
    suffix: Tokens


class Chat:
    """Prompts in a tokenizer's own chat form, or as plain text where it has none.

    Attributes:
        end: the token that ends an answer.
        gap: the white space before a text, which belongs to the text's first token.
        lead: the white space before an answer, which belongs to the answer's first token.

    Raises:
        PlaitError: the chat template leaves out a message, or no token ends an answer.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer, self.texts = tokenizer, Texts.of(tokenizer)
        before, asked = self._parts("", [("", None)])
        self.gap = _spaces(before)
        _, between, after = self._parts("", [("", "")])
        self.lead = _spaces(asked) or _spaces(between)
        self.end = self._end(after.strip())
        self.prompt = lru_cache(maxsize=64)(self._prompt)

    def _end(self, after: str) -> int:
        """The first token after an answer; the end of sequence where no template says."""
        found = self.texts.parsed(after) if self.tokenizer.chat_template else ()
        token = found[0] if found else self.tokenizer.eos_token_id
        if token is None:
            raise PlaitError("the tokenizer names no token that ends a sequence (eos_token)")
        return int(token)

    def _prompt(self, instruction: str, shots: tuple[Shot, ...] = ()) -> Prompt:
        """The prompt for one more text.

        Args:
            instruction: what is asked, as the system's message.
            shots: earlier turns.
        """
        opening, *parts, after = self._parts(instruction, [*shots, ("", None)])
        contents = [*([instruction] if instruction else []), *(c for shot in shots for c in shot)]
        tokens = list(self._opening(opening.rstrip(" ")))
        for content, gap, part in zip(contents, [opening, *parts], parts, strict=False):
            tokens += self.texts.tokens(_spaces(gap) + content)
            tokens += self.texts.parsed(part.rstrip(" "))
        return Prompt(tuple(tokens), self.texts.parsed(after.rstrip(" ")))

    def _opening(self, part: str) -> Tokens:
        tokens = self.texts.parsed(part, first=True)
        begin = self.tokenizer.bos_token_id
        marked = self.tokenizer.chat_template or begin is None
        return tokens if marked else (begin, *tokens)

    def _parts(self, instruction: str, turns: Sequence[Turn]) -> list[str]:
        """What stands before, between and after the contents, in their order."""
        held = [part for turn in turns for part in turn if part is not None]
        wanted = len(held) + bool(instruction)
        for system in (True, False):
            try:
                found = _STAND_IN.split(self._rendered(instruction, turns, system))
            except TemplateError:  # some templates know no system role
                found = []
            wanted = bool(instruction) + sum(
                1 for turn in turns for part in turn if part is not None
            )
            if found[1::2] == [str(number) for number in range(wanted)]:
                return found[::2]
        raise PlaitError(
            f"the tokenizer's chat template leaves out a message, or moves one: of {wanted} "
            f"messages it has, in this order, {', '.join(found[1::2]) or 'none'}"
        )

    def _rendered(self, instruction: str, turns: Sequence[Turn], system: bool) -> str:
        numbers = (f"\ue000{number}\ue001" for number in count())
        asked = next(numbers) if instruction else ""
        held = [(next(numbers), None if answer is None else next(numbers)) for _, answer in turns]
        if not self.tokenizer.chat_template:
            return _plain(asked, held)
        return str(
            self.tokenizer.apply_chat_template(
                messages(asked, held, system),
                tokenize=False,
                add_generation_prompt=held[-1][1] is None,
            )
        )


def messages(instruction: str, turns: Sequence[Turn], system: bool = True) -> list[dict[str, str]]:
    """Chat messages. Without `system` the instruction opens the first user's message."""
    found = [{"role": "system", "content": instruction}] if system and instruction else []
    for number, (text, answer) in enumerate(turns):
        opening = f"{instruction}\n\n" if not system and number == 0 and instruction else ""
        found.append({"role": "user", "content": opening + text})
        if answer is not None:
            found.append({"role": "assistant", "content": answer})
    return found


def _plain(instruction: str, turns: Sequence[Turn]) -> str:
    parts = [instruction] if instruction else []
    parts += [f"Text: {text}\nAnswer: {answer or ''}".rstrip(" ") for text, answer in turns]
    return "\n\n".join(parts)


def _spaces(part: str) -> str:
    """The spaces at the end of a part: the next token begins with them."""
    return part[len(part.rstrip(" ")) :]
