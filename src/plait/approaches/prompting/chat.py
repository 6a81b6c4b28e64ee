"""A prompt: the tokens before a text, those after it, and the token that ends an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from plait.approaches.prompting.trie import Tokens
from plait.errors import PlaitError

TEXT = "⟨text⟩"
ANSWER = "⟨answer⟩"

Shot = tuple[str, str]
"""A text and its right answer."""


@dataclass(frozen=True)
class Prompt:
    """Tokens around a text. `prefix` is the same for every text, so it is read once."""

    prefix: Tokens
    suffix: Tokens


def prompt(tokenizer: Any, instruction: str, shots: Sequence[Shot] = ()) -> Prompt:
    """The prompt in the tokenizer's own chat form, or as plain text where it has none.

    Args:
        instruction: what is asked, as the system's message.
        shots: earlier turns.
    """
    whole = _rendered(tokenizer, instruction, [*shots, (TEXT, None)])
    before, found, after = whole.rpartition(TEXT)
    if not found:
        raise PlaitError("the tokenizer's chat template leaves out the user's message")
    prefix = encode(tokenizer, before)
    if not tokenizer.chat_template and tokenizer.bos_token_id is not None:
        prefix = (tokenizer.bos_token_id, *prefix)
    return Prompt(prefix, encode(tokenizer, after))


def end_token(tokenizer: Any) -> int:
    """The token that ends the assistant's turn; the end of sequence where no template says."""
    whole = _rendered(tokenizer, "", [(TEXT, ANSWER)])
    after = encode(tokenizer, whole.rpartition(ANSWER)[2].strip())
    token = after[0] if after and tokenizer.chat_template else tokenizer.eos_token_id
    if token is None:
        raise PlaitError("the tokenizer names no token that ends a sequence (eos_token)")
    return int(token)


def encode(tokenizer: Any, text: str) -> Tokens:
    """Tokens without special ones but those that the text spells out."""
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"]) if text else ()


def messages(
    instruction: str, turns: Sequence[tuple[str, str | None]], system: bool = True
) -> list[dict[str, str]]:
    """Chat messages. Without `system` the instruction opens the first user's message."""
    found = [{"role": "system", "content": instruction}] if system and instruction else []
    for number, (text, answer) in enumerate(turns):
        opening = f"{instruction}\n\n" if not system and number == 0 and instruction else ""
        found.append({"role": "user", "content": opening + text})
        if answer is not None:
            found.append({"role": "assistant", "content": answer})
    return found


def _rendered(tokenizer: Any, instruction: str, turns: Sequence[tuple[str, str | None]]) -> str:
    if not tokenizer.chat_template:
        return _plain(instruction, turns)
    answering = turns[-1][1] is None
    try:
        found = tokenizer.apply_chat_template(
            messages(instruction, turns), tokenize=False, add_generation_prompt=answering
        )
    except TemplateError:  # some templates know no system role
        found = tokenizer.apply_chat_template(
            messages(instruction, turns, system=False),
            tokenize=False,
            add_generation_prompt=answering,
        )
    return str(found)


def _plain(instruction: str, turns: Sequence[tuple[str, str | None]]) -> str:
    parts = [instruction] if instruction else []
    parts += [f"Text: {text}\nAnswer: {answer or ''}".rstrip(" ") for text, answer in turns]
    return "\n\n".join(parts)
