"""Cells that hold what looks like further rows of their file: a quote was not closed."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

_LINE_END = re.compile(r"\r\n|\n|\r")
_ROWS = 100_000
_REPEATED = 0.5
Piece = tuple[int, str]


def pieces(cells: Sequence[str], delimiter: str, columns: int) -> Iterator[Piece]:
    """Column and value of each piece of a cell that, cut at delimiters and line ends, gives rows.

    A quote that opens in column j swallows the rest of its row, whole rows, and the beginning of
    the row in which the next quote closes it: each line of the cell has then as many delimiters
    as that takes.
    """
    for place, cell in enumerate(cells):
        first, *more = _LINE_END.split(cell)
        if more and columns > 1:
            counts = [columns - 1 - place, *[columns - 1] * (len(more) - 1), place]
            if [line.count(delimiter) for line in (first, *more)] == counts:
                yield from ((place + i, v) for i, v in enumerate(first.split(delimiter)) if i)
                for line in more[:-1]:
                    yield from enumerate(line.split(delimiter))
                yield from enumerate(more[-1].split(delimiter)[:-1])


def categories(rows: Iterable[Sequence[str]]) -> Mapping[int, frozenset[str]]:
    """Column → its values, of the columns whose values repeat; of the first 100,000 rows."""
    values: dict[int, set[str]] = {}
    count = 0
    for cells in islice(rows, _ROWS):
        count += 1
        for place, cell in enumerate(cells):
            values.setdefault(place, set()).add(cell)
    return {
        place: frozenset(found - {""})
        for place, found in values.items()
        if len(found) <= count * _REPEATED
    }


def known(found: Sequence[Piece], values: Mapping[int, frozenset[str]]) -> bool | None:
    """Whether a piece is a value of its column; None if no column of the pieces repeats values."""
    told = [piece for piece in found if piece[0] in values]
    return any(value in values[place] for place, value in told) if told else None
