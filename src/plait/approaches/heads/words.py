"""Words and their first sub-words: what a tagging head learns from and answers."""

from collections.abc import Sequence
from typing import Any

from tokenizers import normalizers, processors
from torch import Tensor

from plait.approaches.tagging import best_spans, spans_to_tags
from plait.tasks import LabelPrediction, Row, Span, Task
from plait.training.batches import IGNORED

Place = tuple[int, int]
SPACE = "Ġ"
"""A space in the pieces of a byte-level tokenizer."""


def open_texts(tokenizer: Any) -> None:
    """Let a decoder's tokenizer begin each text with its begin mark and a space.

    A mark stands before the first word: the vector of the very first token gathers what attention
    goes nowhere else (Xiao et al. 2023, arXiv 2309.17453) and says little of the token. And a
    space does, where words after a space are other pieces than those at the very beginning.
    """
    backend, mark = tokenizer.backend_tokenizer, tokenizer.bos_token or tokenizer.eos_token
    bare, spaced = (tokenizer.tokenize(text)[0].startswith(SPACE) for text in ("a", " a"))
    if spaced and not bare:
        before = [backend.normalizer] if backend.normalizer else []
        backend.normalizer = normalizers.Sequence([normalizers.Prepend(" "), *before])
    number = tokenizer.convert_tokens_to_ids(mark) if mark else None
    if mark and tokenizer("a")["input_ids"][0] != number:
        marked = processors.TemplateProcessing(single=f"{mark} $A", special_tokens=[(mark, number)])
        after = [backend.post_processor] if backend.post_processor else []
        backend.post_processor = processors.Sequence([*after, marked])


def word_tokens(encoding: Any, i: int, text: str, last: bool) -> list[tuple[int, Place]]:
    """For each word of text `i`: a token's position, and the word's (start, end) characters.

    The token is the word's first, or with `last` its last, which alone has seen the whole word
    where tokens attend to those before them.
    """
    places: dict[int, int] = {}
    for position, word in enumerate(encoding.word_ids(i)):
        if word is not None and (last or word not in places):
            places[word] = position
    return [(position, _trimmed(encoding, i, word, text)) for word, position in places.items()]


def _trimmed(encoding: Any, i: int, word: int, text: str) -> Place:
    """A word's characters without the white space that some tokenizers count to it."""
    span = encoding.word_to_chars(i, word)
    start = int(span.start)
    while start < span.end - 1 and text[start].isspace():
        start += 1
    return start, int(span.end)


def targets_of(task: Task, row: Row, words: Sequence[tuple[int, Place]]) -> list[int]:
    """The class of the row, or one for each token (IGNORED except on one token of each word)."""
    label = row.labels.get(task.field)
    if task.kind == "classification":
        return [task.labels.index(str(label)) if label in task.labels else IGNORED]
    length = words[-1][0] + 1 if words else 1
    targets = [IGNORED] * length
    if isinstance(label, tuple):
        known = [span for span in label if span.label in task.labels]
        tags = spans_to_tags(known, [place for _, place in words], task.labels)
        for (position, _), tag in zip(words, tags, strict=True):
            targets[position] = tag
    return targets


def choice(task: Task, probabilities: Tensor) -> LabelPrediction:
    """The most probable label of (classes)."""
    found = dict(zip(task.labels, probabilities.tolist(), strict=True))
    return LabelPrediction(task.labels[int(probabilities.argmax())], found)


def spans(
    task: Task, probabilities: Tensor, words: Sequence[tuple[int, Place]]
) -> tuple[Span, ...]:
    """Spans of (length × classes)."""
    positions = [position for position, _ in words]
    return best_spans(probabilities[positions].numpy(), [place for _, place in words], task.labels)
