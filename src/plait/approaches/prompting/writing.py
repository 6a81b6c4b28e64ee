"""Answers that are valid by construction: labels by exact search, spans by copying the text.

An answer is written by a generator that asks for the model's scores of continuations only where
there is a choice; what is forced is written without asking. Many answers are written side by side,
each step of all of them in one forward pass.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from math import exp
from typing import TypeVar

from torch import Tensor

from plait.approaches.prompting.answers import END, Form
from plait.approaches.prompting.copying import Copy, Threads
from plait.approaches.prompting.trie import Search, Trie
from plait.approaches.prompting.written import Run, Written
from plait.approaches.reading.texts import Tokens
from plait.tasks import LabelPrediction, Prediction, SetPrediction, Span, Task

T = TypeVar("T")


@dataclass(frozen=True)
class Question:
    """After reading `stem` (kept), the scores of `choices[i]` after each of `paths[i]`."""

    stem: Tokens
    paths: tuple[Tokens, ...]
    choices: tuple[tuple[int, ...], ...]


Scores = list[Tensor]
"""For each path of a question the log-probabilities of its choices; they sum to one."""
Writing = Generator[Question, Scores, T]


@dataclass
class Writer:
    """Writes one answer to one text.

    Args:
        form: of the answer.
        tries: by task, `form.trie(task)`; shared by all texts.
        unread: tokens that the model has not read yet, at first those of the prompt.
        tolerance: how much probability of a label may be left unresolved; the winner never is.
        room: tokens that each pass may look ahead, to save later passes.
    """

    form: Form
    tries: dict[str, Trie]
    unread: list[int]
    tolerance: float = 0.0
    room: int = 0
    answers: dict[str, Prediction] = field(default_factory=dict)

    def answer(self, text: str) -> Writing[dict[str, Prediction]]:
        """Each task's answer, in the order of the form."""
        for task in self.form.tasks:
            if task.kind == "classification":
                found, tokens = yield from self.choose(self.tries[task.name])
                self.unread += tokens
                self.answers[task.name] = LabelPrediction(
                    max(found, key=lambda name: found[name]), found
                )
            elif task.kind == "multilabel":
                self.answers[task.name] = yield from self.labels(self.tries[task.name])
            else:
                self.answers[task.name] = yield from self.spans(task, text)
        return self.answers

    def ask(self, paths: Sequence[Tokens], choices: Sequence[Sequence[int]]) -> Writing[Scores]:
        """Scores of the choices after each path; what was unread is then read."""
        stem, self.unread = tuple(self.unread), []
        return (yield Question(stem, tuple(paths), tuple(map(tuple, choices))))

    def choose(self, trie: Trie) -> Writing[tuple[dict[str, float], Tokens]]:
        """The probability of each answer in a trie, and the tokens of the best."""
        search = Search(trie, self.tolerance)
        while wanted := search.wanted():
            paths = search.looked_at(wanted, self.room)
            scores = yield from self.ask(paths, [trie.choices(path) for path in paths])
            for path, found in zip(paths, scores, strict=True):
                search.expand(path, found.exp().tolist())
        return search.probabilities(), trie.answers[search.best()]

    def labels(self, trie: Trie) -> Writing[SetPrediction]:
        """Labels in their order, each at most once, until the model ends the part.

        A label's probability is that of being the next one, given those before it.
        """
        chosen: dict[str, float] = {}
        while True:
            found, tokens = yield from self.choose(trie)
            self.unread += tokens
            label = max(found, key=lambda name: found[name])
            if label == END:
                return SetPrediction(tuple(chosen), chosen)
            chosen[label] = round(found[label], 6)
            trie = trie.after(label)

    def spans(self, task: Task, text: str) -> Writing[tuple[Span, ...]]:
        """Typed spans, one after the other, until the model ends the part or the text does."""
        source, cursor = Written(text), 0
        spans: list[Span] = []
        trie = self.tries[task.name]
        while True:
            if cursor == len(source.places):
                self.unread += trie.answers[END]
                return tuple(spans)
            types, tokens = yield from self.choose(trie)
            self.unread += tokens
            label = max(types, key=lambda name: types[name])
            if label == END:
                return tuple(spans)
            run, probability = yield from self.copy(Copy(self.form, source, cursor))
            start, end = source.places[run[0]][0], source.places[run[1] - 1][1]
            spans.append(Span(start, end, label, round(types[label] * probability, 6)))
            cursor = run[1]

    def copy(self, copy: Copy) -> Writing[tuple[Run, float]]:
        """A value's words and probability, copied token by token, the likeliest each time.

        Choices within reach are looked at in one pass, so most values take two: one for where they
        begin, one for where they end.
        """
        threads, logarithm = copy.begin(), 0.0
        path: Tokens = ()
        known: dict[Tokens, dict[int, float]] = {}
        while not threads.finished:
            token = threads.forced()
            if token is None:
                if path not in known:
                    self.unread += path
                    path, known = (), (yield from self._ahead(threads))
                token, logarithmic = max(known[path].items(), key=lambda item: item[1])
                logarithm += logarithmic
            threads, path = threads.take(token), (*path, token)
        self.unread += path
        return threads.run(), exp(logarithm)

    def _ahead(self, threads: Threads) -> Writing[dict[Tokens, dict[int, float]]]:
        """By path the log-probability of each token that may follow it."""
        ahead = {path: found.options() for path, found in threads.ahead(self.room).items()}
        scores = yield from self.ask(list(ahead), list(ahead.values()))
        return {
            path: dict(zip(options, found.tolist(), strict=True))
            for (path, options), found in zip(ahead.items(), scores, strict=True)
        }
