"""A look at a whole file before it is answered."""

import math
from typing import Any

from plait.errors import PlaitError
from plait.progress import Progress
from plait.serving.batch.options import Options
from plait.serving.batch.sources import Source
from plait.serving.batch.windows import Faults, unanswerable


def survey(source: Source, options: Options, only: tuple[int, int] | None = None) -> dict[str, Any]:
    """Read a whole file before it is answered: a mistake in its last row is found at once.

    Args:
        only: the windows whose rows are counted and must have texts.

    Returns:
        `rows`, `columns`, `kinds` of a JSONL file's columns, and of rows without a text the count
        (`bad`) and the `first`.

    Raises:
        PlaitError: rows can't be read, or have no text and mustn't be there.
    """
    faults, bad, rows = Faults(), Faults(), 0
    shown = source.file.shown
    with Progress(math.inf, "read", "row") as bar:
        for window in source.windows(faults):
            bar.update(len(window.texts))
            if only and not only[0] <= window.number < only[1]:
                continue
            rows += len(window.texts)
            for place, text in zip(window.places, window.texts, strict=True):
                if reason := unanswerable(text):
                    bad.add(f"{place}: {reason}")
    if faults.count:
        raise PlaitError(
            f"{shown}: {faults.count:,} rows can't be kept as they are: {faults}. Correct or "
            "remove them; nothing was answered."
        )
    if bad.count and (options.on_bad_row == "error" or bad.count == rows):
        raise PlaitError(
            f"{shown}: {bad.count:,} of {rows:,} rows have no text in column {options.text!r}: "
            f"{bad}. Correct or remove them, let `--on-bad-row null` or `skip` pass them over, or "
            "name another column with `--text`; nothing was answered."
        )
    kinds = {name: sorted(found) for name, found in source.kinds.items()}
    return {
        "rows": rows,
        "columns": source.columns,
        "kinds": kinds,
        "bad": bad.count,
        "first": bad.first,
    }
