"""Copying a value from a text: which tokens may follow, and how far to look ahead."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from plait.approaches.prompting.answers import Form
from plait.approaches.prompting.written import Run, Written
from plait.approaches.reading.texts import Tokens


@dataclass(frozen=True)
class Thread:
    """One reading of what was written: words `start` to `end`, `rest` still to be written.

    `stopping` says that the rest ends the value.
    """

    start: int
    end: int
    rest: Tokens
    stopping: bool


class Copy:
    """The values that may be copied from a text, from word `cursor` on."""

    def __init__(self, form: Form, text: Written, cursor: int) -> None:
        self.form, self.text, self.cursor = form, text, cursor

    def begin(self) -> "Threads":
        """A value may begin with each word."""
        starts = range(self.cursor, len(self.text.places))
        return Threads(self, tuple(self._word(start, start) for start in starts))

    def _word(self, start: int, word: int) -> Thread:
        tokens = self.form.encode(self.text.word(word, first=word == start))
        return Thread(start, word + 1, tokens, False)

    def next(self, thread: Thread) -> Iterator[Thread]:
        """What a thread that has written a word may go on with: the next word, or the end."""
        if thread.rest or thread.stopping:
            yield thread
            return
        if thread.end < len(self.text.places):
            yield self._word(thread.start, thread.end)
        nth = self.text.occurrence((thread.start, thread.end), self.cursor)
        yield Thread(thread.start, thread.end, self.form.stop(nth), True)


@dataclass(frozen=True)
class Threads:
    """All readings of what was written so far."""

    copy: Copy
    threads: tuple[Thread, ...]

    @property
    def finished(self) -> bool:
        """Whether a value is complete."""
        return any(thread.stopping and not thread.rest for thread in self.threads)

    def run(self) -> Run:
        """The words of the complete value."""
        found = next(t for t in self.threads if t.stopping and not t.rest)
        return found.start, found.end

    def options(self) -> list[int]:
        """Tokens that may follow, each once."""
        return list(dict.fromkeys(thread.rest[0] for thread in self.threads))

    def forced(self) -> int | None:
        """The token that must follow, if only one may."""
        options = self.options()
        return options[0] if len(options) == 1 else None

    def take(self, token: int) -> "Threads":
        """The readings that remain when a token is written."""
        taken = [
            Thread(t.start, t.end, t.rest[1:], t.stopping)
            for t in self.threads
            if t.rest[0] == token
        ]
        return Threads(self.copy, tuple(n for thread in taken for n in self.copy.next(thread)))

    def ahead(self, room: int) -> "dict[Tokens, Threads]":
        """The next choice and those within reach of `room` tokens, by the tokens that lead there.

        Beyond a choice of many tokens nothing is looked at.
        """
        found: dict[Tokens, Threads] = {}
        waiting: deque[tuple[Tokens, Threads]] = deque([((), self)])
        while waiting:
            path, threads = waiting.popleft()
            if found and sum(map(len, found)) + len(path) > room:
                break
            options = [] if threads.finished else threads.options()
            if len(options) > 1:
                found[path] = threads
            if len(options) <= 2:
                waiting.extend(((*path, token), threads.take(token)) for token in options)
        return found
