"""Validation keeps a few hundred bytes of a row, whatever the length of its text."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = (4_000, 16_000)
MOST = 2_500
"""Bytes a row, between the 1,400 that a row takes and the 2,900 that it would with its text; texts,
words, shingles and tables of objects took 25,000."""
SCRIPT = """
import resource, sys
from pathlib import Path
from plait.leakage import near
from plait.preparation.own_file import Columns, check_file
from plait.validation import engine, unusual
# Buffers that even the smaller file fills: the rest is what rows take.
near._AT_ONCE, near._HASHED, near._PAIRS, near._COMPARED = 1 << 14, 100, 1 << 12, 1 << 10
unusual._AT_ONCE, engine._ROWS = 1 << 14, 1 << 10
for file in sys.argv[1:]:
    found = check_file(Path(file), Columns("text", ("label",)))
    (figures,) = found.figures.values()
    print(sum(figures.rows.values()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def write(path: Path, count: int) -> None:
    """Each text stands twice, but for its last word."""
    rng = random.Random(7)
    vocabulary = [f"word{i}" for i in range(20_000)]
    with path.open("w", encoding="utf-8") as stream:
        stream.write("text,label\n")
        for i in range(0, count, 2):
            text = " ".join(rng.choices(vocabulary, k=150))
            stream.write(f"{text} {i},a\n{text} {i + 1},b\n")


@pytest.mark.slow
def test_memory_grows_by_less_than_the_texts_do(tmp_path: Path) -> None:
    files = [tmp_path / f"{count}.csv" for count in ROWS]
    for file, count in zip(files, ROWS, strict=True):
        write(file, count)
    # The smaller file first: the peak of the process is that of the larger one, then.
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, files)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PLAIT_PROGRESS_LINES": "1"},
    )
    small, large = (tuple(map(int, line.split())) for line in done.stdout.splitlines())
    assert (small[0], large[0]) == ROWS
    assert (large[1] - small[1]) * 1024 < MOST * (ROWS[1] - ROWS[0])
