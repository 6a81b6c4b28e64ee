"""The written form of an answer: from labels to text and tokens, and back.

Tasks that are answered together have their parts one after the other. A classification task's part
is its label, on a line of its own; a multilabel task's part is a line a label, in the order of the
task's labels. A tagging task's part has a line a span, `type: words`, in the
order of the text. Words are found again after the end of the span before; where they occur
there several times and not the first is meant, a tab and the occurrence's number follow them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from plait.approaches.prompting.trie import Trie
from plait.approaches.prompting.written import Run, Written, folded
from plait.approaches.reading.texts import Tokens
from plait.errors import PlaitError
from plait.tasks import (
    Label,
    LabelPrediction,
    Prediction,
    Row,
    SetPrediction,
    Span,
    Task,
    is_spans,
    label_names,
)

INVALID = "(invalid)"
"""Stands for the label of an answer that names none."""
END = ""
"""Stands among a task's labels or types for "no further label" or "no further span"."""
LINE, MARK, COLON = "\n", "\t", ":"

Encode = Callable[[str], Tokens]


def find(value: str, text: Written, cursor: int) -> Run | None:
    """The words that a written value names, from word `cursor` on; None where there are none."""
    wanted, _, number = value.partition(MARK)
    sought = folded(wanted)
    found = text.find(sought, cursor)
    nth = int(number) if number.isdecimal() else 1
    return (found[nth - 1], found[nth - 1] + len(sought)) if 0 < nth <= len(found) else None


@dataclass(frozen=True)
class Form:
    """The form of the answers to tasks that are answered together.

    Args:
        tasks: in the order of their parts.
        encode: a string's tokens, without special ones.
        end: the token that ends an answer.
        lead: the white space before an answer that begins with a label.
    """

    tasks: tuple[Task, ...]
    encode: Encode
    end: int
    lead: str = ""

    def __post_init__(self) -> None:
        line, mark = self.encode(LINE), self.encode(MARK)
        if not line or not mark or line == mark:
            raise PlaitError(
                "the tokenizer has no tokens of its own for a line break and a tab, which stand "
                "between the parts of an answer. Choose another backbone, or approach `heads`."
            )
        for task in self.tasks:
            for label in task.labels:
                if not label.strip() or any(mark in label for mark in (LINE, MARK)):
                    raise PlaitError(
                        f"tasks.{task.name}: label {label!r} cannot be written in an answer; "
                        "labels are not empty and hold no line break and no tab"
                    )

    def mark(self, task: Task) -> Tokens:
        """What ends a task's part: the answer's end after the last, a line break after others."""
        return (self.end,) if task is self.tasks[-1] else self.encode(LINE)

    def trie(self, task: Task) -> Trie:
        """The labels of a task, or its types; and END where an answer may have several or none.

        Raises:
            PlaitError: there is no label, or two of them cannot be told apart.
        """
        try:
            return Trie(dict(self._choices(task)))
        except PlaitError as error:
            raise PlaitError(f"tasks.{task.name}: {error}") from error

    def _choices(self, task: Task) -> Iterator[tuple[str, Tokens]]:
        for label in task.labels:
            if task.kind == "classification":
                yield label, self._label(task, label) + self.mark(task)
            else:
                after = COLON if task.kind == "tagging" else LINE
                yield label, self.encode(label) + self.encode(after)
        if task.kind != "classification":
            yield END, self.mark(task)

    def longest(self) -> int:
        """Tokens of the labels and types in the longest answer, without what is copied."""
        total = 0
        for task in self.tasks:
            lengths = [len(tokens) for tokens in self.trie(task).answers.values()]
            total += sum(lengths) if task.kind == "multilabel" else max(lengths)
        return total

    @property
    def copies(self) -> bool:
        """Whether an answer repeats words of the text."""
        return not all(task.whole_text for task in self.tasks)

    def _label(self, task: Task, label: str) -> Tokens:
        return self.encode(self.lead + label if task is self.tasks[0] else label)

    def write(self, text: str, labels: Mapping[str, Label]) -> list[int]:
        """The tokens of the right answer. A span is widened to whole words of the text."""
        tokens: list[int] = []
        for task in self.tasks:
            label = labels[task.field]
            if task.kind == "multilabel":
                tokens += self._labels(task, label_names(label))
            elif is_spans(label):
                tokens += self._spans(text, [s for s in label if s.label in task.labels])
            else:
                tokens += self._label(task, str(label))
            tokens += self.mark(task)
        return tokens

    def _labels(self, task: Task, names: Sequence[str]) -> Iterator[int]:
        for label in task.labels:
            if label in names:
                yield from self.encode(label) + self.encode(LINE)

    def _spans(self, text: str, spans: Sequence[Span]) -> Iterator[int]:
        source, cursor = Written(text), 0
        for span in sorted(spans):
            run = source.run(span)
            if run is None or run[0] < cursor:
                continue
            yield from self.encode(span.label) + self.encode(COLON)
            for word in range(*run):
                yield from self.encode(source.word(word, first=word == run[0]))
            yield from self.stop(source.occurrence(run, cursor))
            cursor = run[1]

    def stop(self, nth: int) -> Tokens:
        """What ends the line of a span, the `nth` occurrence of its words."""
        number = self.encode(MARK) + self.encode(str(nth)) if nth > 1 else ()
        return number + self.encode(LINE)

    def read(self, text: str, answer: str) -> tuple[dict[str, Label], bool]:
        """Labels by task of an answer that was written freely, and whether it is valid.

        Case and white space around labels and types don't count. What is not valid (an unknown
        label or type, words that the text does not have) is left out: None for a label, no span.
        """
        lines = [line.strip(" ") for line in answer.rstrip(f"{LINE} ").split(LINE)]
        found: dict[str, Label] = {}
        valid = True
        for task in self.tasks:
            if task.kind == "classification":
                found[task.name] = label = _read_label(task, lines.pop(0)) if lines else None
                valid &= label is not None
            elif task.kind == "multilabel":
                found[task.name], sound = _read_labels(task, lines)
                valid &= sound
            else:
                found[task.name], sound = _read_spans(task, text, lines)
                valid &= sound
        return found, valid and not lines


def _read_label(task: Task, line: str) -> str | None:
    """The label that a line names; None where it names none, or could be several."""
    if line in task.labels:
        return line
    alike = [label for label in task.labels if _alike(label) == _alike(line)]
    return alike[0] if len(alike) == 1 else None


def _read_labels(task: Task, lines: list[str]) -> tuple[tuple[str, ...], bool]:
    """Labels of the lines up to an empty one, in the task's order; the lines are taken."""
    named: list[str | None] = []
    while lines and (line := lines.pop(0)):
        named.append(_read_label(task, line))
    valid = None not in named and len(set(named)) == len(named)
    return tuple(label for label in task.labels if label in named), valid


def _alike(text: str) -> str:
    return " ".join(text.casefold().split())


def _read_spans(task: Task, text: str, lines: list[str]) -> tuple[tuple[Span, ...], bool]:
    """Spans of the lines up to an empty one; what was read is taken from `lines`."""
    source, cursor = Written(text), 0
    spans: list[Span] = []
    valid = True
    while lines and (line := lines.pop(0)):
        label, value = _read_type(task, line)
        run = find(value, source, cursor) if label else None
        if label is None or run is None:
            valid = False
            continue
        spans.append(Span(source.places[run[0]][0], source.places[run[1] - 1][1], label))
        cursor = run[1]
    return tuple(spans), valid


def _read_type(task: Task, line: str) -> tuple[str | None, str]:
    """The type that a line begins with, and its value; a type may hold colons."""
    colons = [i for i, sign in enumerate(line) if sign == COLON]
    for colon in reversed(colons):
        if label := _read_label(task, line[:colon]):
            return label, line[colon + 1 :]
    return None, ""


def free_answers(form: Form, text: str, written: str) -> tuple[dict[str, Prediction], bool]:
    """A freely written answer as answers by task, and whether it is valid."""
    labels, valid = form.read(text, written)
    answers: dict[str, Prediction] = {}
    for task in form.tasks:
        label = labels[task.name]
        if task.kind == "multilabel":
            names = tuple(label_names(label))
            answers[task.name] = SetPrediction(names, dict.fromkeys(names, 1.0))
        elif is_spans(label):
            answers[task.name] = label
        else:
            chosen = str(label or INVALID)
            answers[task.name] = LabelPrediction(
                chosen, {**dict.fromkeys(task.labels, 0.0), chosen: 1.0}
            )
    return answers, valid


def letters(text: str) -> Tokens:
    """Characters as tokens, for answers that are written out in words; none is 0."""
    return tuple(ord(character) + 1 for character in text)


def spelled(tasks: Sequence[Task], text: str, labels: Mapping[str, Label]) -> str:
    """The right answer as text."""
    tokens = Form(tuple(tasks), letters, end=0).write(text, labels)
    return "".join(chr(token - 1) for token in tokens if token)


def usable(form: Form, rows: Sequence[Row]) -> list[Row]:
    """Rows that have a label for each of the form's tasks."""
    return [row for row in rows if all(row.labels.get(t.field) is not None for t in form.tasks)]
