"""Prompts, grammars and answers of a generative export: what to send to vLLM, and what comes back.

    from ask import forms

    for form in forms("."):
        prompt, grammar = form.prompt(text), form.grammar(text)
        …  # the completion of `prompt` (token numbers) under `grammar` is `written`
        print(form.read(text, written))

Needs tokenizers and regex.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import regex
from tokenizers import Tokenizer


def forms(folder: str | Path = ".") -> list["Form"]:
    """What is asked, one form after the other; tasks of one form are answered together."""
    told = json.loads(Path(folder, "prompts.json").read_text(encoding="utf-8"))
    reader = Tokenizer.from_file(str(Path(folder, "text.json")))
    reader.encode_special_tokens = True  # what a text spells out is text
    return [Form(each, reader) for each in told]


class Form:
    """A prompt, and the written form of its answer.

    A classification's part is its label; a multilabel task's a line a label, in their order; a
    tagging's a line a span, `type: words`, in the order of the text, where a tab and a number say
    which occurrence of the words is meant, if not the first after the span before. Another part
    begins on a line of its own, after an empty one where the part before is a list.
    """

    def __init__(self, told: dict[str, Any], reader: Tokenizer) -> None:
        self.told, self.reader, self.tasks = told, reader, told["tasks"]

    def prompt(self, text: str) -> list[int]:
        """The tokens to complete; of a long text the beginning is read."""
        tokens = self._encoded(text).ids[: self.told["max_length"]]
        return [*self.told["prefix"], *tokens, *self.told["suffix"]]

    def most(self, text: str) -> int:
        """Tokens that an answer may have."""
        tokens = min(len(self._encoded(text).ids), self.told["max_length"])
        copies = any(task["kind"] == "tagging" for task in self.tasks)
        return int(self.told["longest"]) + (2 * tokens + 8 if copies else 0)

    def grammar(self, text: str | None = None) -> str:
        """The valid answers to a text, in GBNF; without a text spans may hold any words."""
        rules: dict[str, str] = {}
        parts = []
        for number, task in enumerate(self.tasks):
            mark = "" if task is self.tasks[-1] else "\n"
            lead = self.told["lead"] if number == 0 else ""
            if task["kind"] == "classification":
                choices = " | ".join(quoted(lead + label + mark) for label in task["labels"])
                parts.append(f"({choices})")
            elif task["kind"] == "multilabel":
                parts += [f"({quoted(label + NEWLINE)})?" for label in task["labels"]]
                parts += [quoted(mark)] * bool(mark)
            else:
                rules |= self._spans(f"t{number}", task, mark, text)
                parts.append(f"t{number}s0")
        lines = [f"root ::= {' '.join(parts)}", *(f"{n} ::= {r}" for n, r in rules.items())]
        return "\n".join(lines) + "\n"

    def _spans(self, name: str, task: Any, mark: str, text: str | None) -> dict[str, str]:
        types = "(" + " | ".join(quoted(f"{label}:") for label in task["labels"]) + ")"
        if text is None:
            value = r'[^\t\n]+ ("\t" [0-9]+)? "\n"'
            return {f"{name}s0": f"{quoted(mark)} | {types} {value} {name}s0"}
        return Copies(name, types, quoted(mark), self._words(text)).rules()

    def read(self, text: str, written: str) -> dict[str, Any]:
        """By task the label, the labels, or the spans with offsets in characters."""
        lines = written.split("\n")
        found: dict[str, Any] = {}
        for task in self.tasks:
            if task["kind"] == "classification":
                found[task["name"]] = lines.pop(0).strip(" ")
                continue
            own = []
            while lines and (line := lines.pop(0)):
                own.append(line)
            listed = task["kind"] == "multilabel"
            found[task["name"]] = own if listed else list(self._read_spans(task, text, own))
        return found

    def _read_spans(self, task: Any, text: str, lines: list[str]) -> Iterator[dict[str, Any]]:
        words, cursor = self._words(text), 0
        for line in lines:
            label = max((n for n in task["labels"] if line.startswith(f"{n}:")), key=len)
            value, _, number = line[len(label) + 1 :].partition("\t")
            wanted = [word.casefold() for word, *_ in words_of(value, self.told)]
            at = [n for n in range(cursor, len(words)) if words.run(n, len(wanted)) == wanted]
            first = at[int(number or 1) - 1]
            cursor = first + len(wanted)
            yield {"label": label, "start": words.start(first), "end": words.end(cursor - 1)}

    def _encoded(self, text: str) -> Any:
        return self.reader.encode(self.told["gap"] + text, add_special_tokens=False)

    def _words(self, text: str) -> "Words":
        """Those of what is read of a text."""
        encoded, most, gap = self._encoded(text), self.told["max_length"], len(self.told["gap"])
        if len(encoded.ids) > most:
            text = text[: max((end - gap for _, end in encoded.offsets[:most]), default=0)]
        return Words(words_of(text, self.told))


def words_of(text: str, told: dict[str, Any]) -> list[tuple[str, int, int]]:
    """Each word of a text with its (start, end) characters."""
    found = ((m[0], *m.span()) for m in regex.finditer(told["word"], text))
    return [each for each in found if not regex.fullmatch(told["blank"], each[0])]


class Words(list[tuple[str, int, int]]):
    """The words of a text."""

    def start(self, n: int) -> int:
        return self[n][1]

    def end(self, n: int) -> int:
        return self[n][2]

    def run(self, first: int, count: int) -> list[str]:
        """Words without regard to case."""
        return [word.casefold() for word, *_ in self[first : first + count]]

    def written(self, n: int, first: bool) -> str:
        """A word of a value: a space goes before the first, and where the text has a gap."""
        gap = first or self.start(n) > self.end(n - 1)
        return (" " if gap else "") + self[n][0]

    def occurrence(self, begin: int, first: int, last: int) -> int:
        """Which occurrence from word `begin` on words `first` to `last` (excluded) are."""
        count = last - first
        wanted = self.run(first, count)
        return sum(self.run(n, count) == wanted for n in range(begin, first + 1))


class Copies:
    """Rules for spans that copy words of a text: `s` before a span, `v` its value, `d` and `e`
    after a word of it.
    """

    def __init__(self, name: str, types: str, mark: str, words: Words) -> None:
        self.name, self.types, self.mark, self.words = name, types, mark, words
        self.found: dict[str, str] = {}

    def rules(self) -> dict[str, str]:
        """By name; the first is where the part begins."""
        count = len(self.words)
        for n in range(count + 1):
            more = f" | {self.types} {self.name}v{n}" if n < count else ""
            self.found[f"{self.name}s{n}"] = self.mark + more
        for n in range(count):
            starts = (
                f"{quoted(self.words.written(first, True))} {self._after(n, first, first + 1)}"
                for first in range(n, count)
            )
            self.found[f"{self.name}v{n}"] = " | ".join(starts)
        for n in range(1, count + 1):
            more = f" | {self._word(n)} {self.name}d{n + 1}" if n < count else ""
            self.found[f"{self.name}d{n}"] = f"{quoted(NEWLINE)} {self.name}s{n}{more}"
        return self.found

    def _word(self, n: int) -> str:
        return quoted(self.words.written(n, False))

    def _after(self, begin: int, first: int, end: int) -> str:
        """The rule after words `first` to `end`; it has its own where they occurred before."""
        nth = self.words.occurrence(begin, first, end)
        if nth == 1:
            return f"{self.name}d{end}"
        name = f"{self.name}e{begin}x{first}x{end}"
        more = ""
        if end < len(self.words):
            more = f" | {self._word(end)} {self._after(begin, first, end + 1)}"
        self.found[name] = f"{quoted(f'{TAB}{nth}{NEWLINE}')} {self.name}s{end}{more}"
        return name


NEWLINE, TAB = "\n", "\t"
ESCAPED = {"\\": "\\\\", '"': '\\"', NEWLINE: "\\n", "\r": "\\r", TAB: "\\t"}


def quoted(text: str) -> str:
    """A literal of GBNF."""
    return '"' + "".join(ESCAPED.get(sign, sign) for sign in text) + '"'
