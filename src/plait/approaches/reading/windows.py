"""Windows: a long text as overlapping slices that a model reads one by one.

The answers to the slices become one answer to the text. A stride of half a window is that of
Devlin et al. 2019 ("BERT", arXiv 1810.04805) for long passages.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import regex

from plait.segmentation import Place, words
from plait.tasks import (
    Label,
    LabelPrediction,
    Prediction,
    Row,
    SetPrediction,
    Span,
    Task,
    is_spans,
)

Answers = dict[str, list[Prediction]]
"""Answers by task, in the order of the texts."""


def windows(text: str, offsets: Sequence[Place], size: int) -> list[Place]:
    """Cut a text into overlapping slices of at most `size` tokens; together they cover it.

    A slice begins and ends with a word; the next one begins where half a window is left of it (or
    at its last word, if that is longer). A word or a blank that is longer than a window is cut
    between grapheme clusters, a cluster that is longer between characters. A span of whole words
    that has at most half a window's tokens lies within a slice.

    Args:
        offsets: (start, end) characters of each token of the whole text, in order. Read alone, a
            slice may have a token more at either end.
        size: tokens; at least 1.
    """
    if len(offsets) <= size:
        return [(0, len(text))]
    return list(_Cutter(text, offsets, size).slices())


class _Cutter:
    """Where a text may be cut: at `begins` a slice may begin, at `ends` it may end."""

    def __init__(self, text: str, offsets: Sequence[Place], size: int) -> None:
        self.text, self.size = text, size
        self.token_starts = [start for start, _ in offsets]
        # A token of no characters (a mark before the text) is read all the same.
        self.token_ends = [max(end, start + 1) for start, end in offsets]
        places = words(text)
        inside = list(self._inside(places))
        self.begins = sorted({0, *(start for start, _ in places), *inside})
        self.ends = sorted({len(text), *(end for _, end in places), *inside})

    def tokens(self, start: int, end: int) -> int:
        """How many tokens have characters of a slice."""
        return bisect_left(self.token_starts, end) - bisect_right(self.token_ends, start)

    def _inside(self, places: Sequence[Place]) -> Iterator[int]:
        """Cuts within the words, and the blanks between them, that are longer than a window."""
        edges = sorted({0, len(self.text), *(edge for place in places for edge in place)})
        for start, end in pairwise(edges):
            if self.tokens(start, end) > self.size:
                for cluster in regex.finditer(r"\X", self.text, pos=start, endpos=end):
                    yield cluster.end()
                    if self.tokens(*cluster.span()) > self.size:
                        yield from range(cluster.start() + 1, cluster.end())

    def slices(self) -> Iterator[Place]:
        """In order; none lies within another."""
        start = last = 0
        while last < len(self.text):
            end = self._end(start)
            if end > last:
                yield start, end
            last = max(last, end)
            start = self._next(start, end)

    def _end(self, start: int) -> int:
        """The furthest end within reach of a slice."""
        low = bisect_right(self.ends, start)
        reach = bisect_right(self.ends, self.size, lo=low, key=lambda e: self.tokens(start, e))
        if reach > low:
            return self.ends[reach - 1]
        # Not even a word fits together with the blank before it: the blank stands alone.
        word = self.begins[min(bisect_right(self.begins, start), len(self.begins) - 1)]
        return word if start < word < self.ends[low] else self.ends[low]

    def _next(self, start: int, end: int) -> int:
        """Where the slice after (start, end) begins."""
        low, high = bisect_right(self.begins, start), bisect_left(self.begins, end)
        half = bisect_left(
            self.begins, -(self.size // 2), low, high, key=lambda begin: -self.tokens(begin, end)
        )
        return self.begins[min(half, high - 1)] if low < high else end


def in_windows(
    texts: Sequence[str],
    tasks: Sequence[Task],
    split: Callable[[str], list[Place]],
    predict: Callable[[Sequence[str]], Answers],
    classify: bool,
) -> Answers:
    """Answers to texts whose slices are answered one by one, all by one call of `predict`.

    A text of one slice is answered as `predict` answers it. Of several slices, tagging takes each
    span from the slice whose middle is nearest to the span's beginning, among the slices that have
    it; of spans that overlap even so, the likelier stays.

    Args:
        split: the slices of a text.
        classify: whether a label's probability is the mean over the slices, weighted by their
            characters; otherwise the first slice alone is classified. Of several labels each
            applies that does so to slices with half of the characters.
    """
    places = [split(text) for text in texts]
    parts = [text[a:b] for text, slices in zip(texts, places, strict=True) for a, b in slices]
    found = predict(parts)
    answers: Answers = {task.name: [] for task in tasks}
    first = 0
    for slices in places:
        for task in tasks:
            answered = found[task.name][first : first + len(slices)]
            answers[task.name].append(_joined(task, slices, answered, classify))
        first += len(slices)
    return answers


def _joined(
    task: Task, slices: Sequence[Place], answers: Sequence[Prediction], classify: bool
) -> Prediction:
    if len(slices) == 1 or (task.whole_text and not classify):
        return answers[0]
    if task.kind == "multilabel":
        sets = [answer for answer in answers if isinstance(answer, SetPrediction)]
        return _majority(task, slices, sets)
    if task.kind == "classification":
        choices = [answer for answer in answers if isinstance(answer, LabelPrediction)]
        return _mean(task, slices, choices)
    spans = [answer for answer in answers if is_spans(answer)]
    return _apart(_owned(slices, spans))


def _mean(
    task: Task, slices: Sequence[Place], choices: Sequence[LabelPrediction]
) -> LabelPrediction:
    # A free answer may name none of the task's labels, and says so under a label of its own.
    labels = dict.fromkeys([*task.labels, *(label for c in choices for label in c.probabilities)])
    total = sum(end - start for start, end in slices)
    mean = {
        label: sum(
            choice.probabilities.get(label, 0.0) * ((end - start) / total)
            for (start, end), choice in zip(slices, choices, strict=True)
        )
        for label in labels
    }
    return LabelPrediction(max(mean, key=mean.__getitem__), mean)


def _majority(
    task: Task, slices: Sequence[Place], answers: Sequence[SetPrediction]
) -> SetPrediction:
    """The labels that apply to slices with half of the characters, or more.

    A label's probability is the mean over the slices that know it, weighted by their characters.
    """
    sizes = [end - start for start, end in slices]
    found = list(zip(sizes, answers, strict=True))
    votes = {
        label: sum(size for size, answer in found if label in answer.labels)
        for label in task.labels
    }
    known = {
        label: [
            (size, answer.probabilities[label])
            for size, answer in found
            if label in answer.probabilities
        ]
        for label in task.labels
    }
    mean = {
        label: sum(size * value for size, value in pairs) / sum(size for size, _ in pairs)
        for label, pairs in known.items()
        if pairs
    }
    return SetPrediction(tuple(n for n in task.labels if 2 * votes[n] >= sum(sizes)), mean)


def _owned(slices: Sequence[Place], found: Sequence[tuple[Span, ...]]) -> Iterator[Span]:
    """Each slice's own spans, in the text's characters."""
    for index, ((offset, _), spans) in enumerate(zip(slices, found, strict=True)):
        for span in spans:
            moved = replace(span, start=span.start + offset, end=span.end + offset)
            if _owner(slices, moved.start) == index:
                yield moved


def _owner(slices: Sequence[Place], character: int) -> int:
    """Which slice has a character nearest to its middle; the earlier of two."""
    first = bisect_right(slices, character, key=lambda place: place[1])
    after = bisect_right(slices, character, key=lambda place: place[0])
    return min(range(first, after), key=lambda i: abs(sum(slices[i]) - 2 * character))


def _apart(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans that don't overlap, in order: the likelier stays, then the earlier."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (-span.probability, span)):
        at = bisect_right(kept, span.start, key=lambda other: other.end)
        if at == len(kept) or span.end <= kept[at].start:
            kept.insert(at, span)
    return tuple(kept)


def training_rows(
    row: Row, slices: Sequence[Place], tasks: Sequence[Task], classify: bool
) -> list[Row]:
    """A row's slices as rows to learn the tasks from; the row itself if there is one slice.

    A slice has the spans that lie wholly within it. Without `classify` the first slice alone has
    the row's other labels, as it alone will be classified.
    """
    if len(slices) == 1:
        return [row]
    # No spans and no labels look alike, so the label alone doesn't say what it is about.
    whole = {task.field for task in tasks if task.whole_text}
    return [
        Row(
            row.id,
            row.text[start:end],
            {
                name: _inside(label, start, end)
                if name not in whole
                else (label if classify or not index else None)
                for name, label in row.labels.items()
            },
        )
        for index, (start, end) in enumerate(slices)
    ]


def _inside(label: Label, start: int, end: int) -> Label:
    """The spans that lie within a slice, in its characters; what is no spans is left out."""
    if not is_spans(label):
        return None
    return tuple(
        replace(span, start=span.start - start, end=span.end - start)
        for span in label
        if start <= span.start and span.end <= end
    )
