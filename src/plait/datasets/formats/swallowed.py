"""Cells that hold what looks like further rows of their file: a quote was not closed."""

import re
from collections import Counter, defaultdict
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
    return _repeated(piece for cells in islice(rows, _ROWS) for piece in enumerate(cells))


def known(found: Sequence[Piece], values: Mapping[int, frozenset[str]]) -> bool | None:
    """Whether a piece is a value of its column; None if no column of the pieces repeats values."""
    told = [piece for piece in found if piece[0] in values]
    if told:
        return any(value in values[place] for place, value in told)
    return True if any(_repeated(found).values()) else None


def _repeated(found: Iterable[Piece]) -> Mapping[int, frozenset[str]]:
    """Column → its values, of the columns with two values or more for each different one."""
    values: dict[int, set[str]] = defaultdict(set)
    counts: Counter[int] = Counter()
    for place, value in found:
        values[place].add(value)
        counts[place] += 1
    return {
        place: frozenset(each - {""})
        for place, each in values.items()
        if len(each) <= counts[place] * _REPEATED
    }
