"""Columns of tokens and tags (CoNLL-2002, CoNLL-2003, BIO, BIOES); a blank line ends a sentence."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from plait.datasets.annotations import tokens
from plait.datasets.annotations.shapes import MismatchError, Wanted
from plait.datasets.formats.opening import RawFile
from plait.datasets.table_files import Records
from plait.datasets.text_files import lines

_DOCUMENT = "-DOCSTART-"
_BLANKS = re.compile(r"[ \t]+")
_TAG = re.compile(r"O|[BIESLUM]-\S.*")
_COMMENT = re.compile(r"# ?\w+ = ")
_SAMPLE = 200
Token = tuple[int, list[str]]
"""The number of a line, and its columns."""


def matches(sample: Sequence[str]) -> bool:
    """Whether most lines are tokens with a tag in the last of as many columns each."""
    rows = [columns for columns in map(_columns, sample) if columns]
    width = _usual(rows)
    like = [row for row in rows if len(row) == width]
    tagged = sum(bool(_TAG.fullmatch(row[-1])) for row in like)
    return len(like) > 1 and len(like) >= 0.6 * len(rows) and tagged >= 0.9 * len(like)


def _usual(rows: Sequence[Sequence[str]]) -> int:
    """How many columns most rows have: two, if most have less."""
    found = Counter(map(len, rows)).most_common(1)
    return max(2, found[0][0]) if found else 2


def records(file: RawFile, wanted: Wanted) -> Records:
    """Number of the first line, text and spans of each sentence.

    The last column is `tags`; the others are named by their number, from 1.

    Raises:
        MismatchError: a line has another number of columns; `args` names the line.
    """
    numbered = _is_numbered(file)
    for sentence in _sentences(file):
        words = [columns[int(numbered)] for _, columns in sentence]
        text, places = tokens.join(words, wanted.join)
        value: dict[str, object] = {wanted.text: text}
        for index in range(int(numbered) + 1, len(sentence[0][1])):
            name = "tags" if index == len(sentence[0][1]) - 1 else str(index + 1)
            if name == "tags" or name in wanted.names:
                tags = [columns[index] for _, columns in sentence]
                value[name] = tokens.spans(tags, places, name)
        yield sentence[0][0], value


def _columns(line: str) -> list[str] | None:
    """The columns of a token; None for a blank line, a document's start or a comment."""
    stripped = line.rstrip(" \t")
    if not stripped.strip(" \t") or stripped.startswith(_DOCUMENT):
        return None
    return stripped.split("\t") if "\t" in stripped else _BLANKS.split(stripped)


def _sentences(file: RawFile) -> Iterator[list[Token]]:
    """The tokens of each sentence, which all have as many columns as most of the first ones."""
    sentence: list[Token] = []
    head = (_columns(line) for _, line in islice(lines(file), _SAMPLE))
    width = _usual([columns for columns in head if columns])
    for number, line in lines(file):
        columns = _columns(line)
        if columns is None:
            if sentence:
                yield sentence
            sentence = []
        elif sentence or not _is_comment(line, columns, width):
            _check(columns, width, number)
            sentence.append((number, columns))
    if sentence:
        yield sentence


def _is_comment(line: str, columns: list[str], width: int) -> bool:
    """Whether a line before a sentence is no token: "#" begins words of tweets, too."""
    return line.startswith("#") and (len(columns) != width or bool(_COMMENT.match(line)))


def _check(columns: list[str], width: int, number: int) -> None:
    if len(columns) != width or not all(columns):
        raise MismatchError(
            f"line {number}",
            "\t".join(columns),
            f"{width} columns, as in most lines: a token first, its tag last",
            "Correct the line; an empty line ends a sentence.",
        )


def _is_numbered(file: RawFile) -> bool:
    """Whether the first column numbers the tokens of each sentence from 1."""
    checked = 0
    for sentence in _sentences(file):
        numbers = [columns[0] for _, columns in sentence]
        if numbers != [str(n + 1) for n in range(len(sentence))] or len(sentence[0][1]) < 3:
            return False
        checked += len(sentence)
        if checked > _SAMPLE:
            break
    return checked > 0
