"""Batch prediction of a file against lines of standard input, by one service in one run.

The service is MiniLM with fresh heads (serving_service.py), the texts are MASSIVE's, repeated with
variations. Prints rows a second of `plait predict FILE --out` and of `plait predict --json < file`,
which torch answers (`batch_over_lines`: as before there were graphs) or ONNX Runtime
(`batch_over_onnx_lines`); memory of all processes by number of rows; and whether a job that was
killed five times ends with the same bytes (`resumed_equal: 1`).
"""

import csv
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil

from massive import parser, rows
from plait.benchmark.latency import machine
from plait.registry.location import VARIABLE
from serving_service import make

SIZES, SAMPLE, KILLED_ROWS, KILLS = (10_000, 100_000, 1_000_000), 10_000, 30_000, 5
ROUNDS = 3
PREDICT = [sys.executable, "-m", "plait.cli", "predict"]
WORDS = ("please", "now", "again", "today", "thanks", "ok", "quickly", "tonight")


def texts(data: Path | None, count: int) -> Iterator[str]:
    """Short texts: MASSIVE's, then the same with other words behind them."""
    found = [row.text for row in rows(data, 20_000)]
    yield from found[:count]
    chance = random.Random(0)
    for _ in range(count - len(found)):
        yield f"{chance.choice(found)} {chance.choice(WORDS)}"


def write_csv(path: Path, found: Sequence[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text"])
        writer.writerows(enumerate(found))
    return path


class Measured:
    """A command that ran: seconds, and memory of all its processes in MiB (peak, last seen)."""

    def __init__(self, command: Sequence[str], root: Path, stdin: Path | None = None) -> None:
        began = time.perf_counter()
        source = stdin.open("rb") if stdin else subprocess.DEVNULL
        environment = {**os.environ, VARIABLE: str(root / "registry")}
        with subprocess.Popen(
            command, cwd=root, env=environment, stdin=source, stdout=subprocess.DEVNULL
        ) as process:
            seen = [0.0]
            while process.poll() is None:
                seen.append(_memory(process.pid) or seen[-1])
                time.sleep(0.2)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
        self.seconds = time.perf_counter() - began
        self.peak, self.last = max(seen), seen[-2] if len(seen) > 2 else seen[-1]


def _memory(pid: int) -> float:
    """Proportional set size: pages that processes share count once."""
    total = 0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for each in family:
            total += each.memory_full_info().pss
    except psutil.Error:
        return 0.0
    return total / (1 << 20)


def batch(root: Path, file: Path, out: Path, processes: int = 0) -> Measured:
    named = ["--out", str(out), "--processes", str(processes), "--restart"]
    return Measured([*PREDICT, str(file), "--service", "assistant", *named], root)


def lines(root: Path, service: str, file: Path) -> Measured:
    return Measured([*PREDICT, "--json", "--service", service], root, file)


def speed(root: Path, found: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Rows a second of a file and of lines, start included, in turns."""
    with tempfile.TemporaryDirectory() as scratch:
        sample = Path(scratch, "lines.txt")
        sample.write_text("".join(f"{text}\n" for text in found), encoding="utf-8")
        file, out = write_csv(Path(scratch, "sample.csv"), found), Path(scratch, "out.csv")
        ways: dict[str, Callable[[], Measured]] = {
            "lines, torch": lambda: lines(root, "eager", sample),
            "lines": lambda: lines(root, "assistant", sample),
            "file, one process": lambda: batch(root, file, out, 1),
            "file": lambda: batch(root, file, out),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                rates[name].append(len(found) / way().seconds)
    medians = {name: statistics.median(each) for name, each in rates.items()}
    yield "batch_over_lines", medians["file"] / medians["lines, torch"]
    yield "batch_over_onnx_lines", medians["file"] / medians["lines"]
    for name, rate in medians.items():
        yield f"rows/s of {len(found):,}, {name}", rate


def memory(
    root: Path, found: Sequence[str], sizes: Sequence[int] = SIZES
) -> Iterator[tuple[str, float]]:
    """Rows a second and peak of the memory of all processes, by number of rows."""
    with tempfile.TemporaryDirectory() as scratch:
        for size in sizes:
            file = write_csv(Path(scratch, f"{size}.csv"), found[:size])
            done = batch(root, file, Path(scratch, f"{size}.out.csv"))
            yield f"rows/s, {size:,} rows", size / done.seconds
            yield f"peak MiB, {size:,} rows", done.peak
            yield f"last MiB, {size:,} rows", done.last


def resumed(root: Path, found: Sequence[str], kills: int = KILLS) -> Iterator[tuple[str, float]]:
    """Kill a job at random moments, and compare what it ends with."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        file, whole = write_csv(folder / "killed.csv", found), folder / "whole.csv.gz"
        seconds, out = batch(root, file, whole).seconds, folder / "killed.out.csv.gz"
        command = [*PREDICT, str(file), "--service", "assistant", "--out", str(out)]
        environment = {**os.environ, VARIABLE: str(root / "registry")}
        chance = random.Random(0)
        for number in range(1, kills + 1):
            with subprocess.Popen(command, cwd=root, env=environment) as process:
                time.sleep(5 + chance.random() * seconds / kills)
                process.kill()
            yield f"parts done at kill {number}", len(list(folder.glob(f"{out.name}.parts/*.part")))
        Measured(command, root)
        yield "resumed_equal", float(out.read_bytes() == whole.read_bytes())


def main() -> None:
    made = parser(__doc__, "10,000 rows at most, and a killed job of 10,000: two minutes")
    options = made.parse_args()
    sizes = (2_000, 10_000) if options.quick else SIZES
    sample, killed = (2_000, 10_000) if options.quick else (SAMPLE, KILLED_ROWS)
    print(f"batch prediction, {machine()}", flush=True)
    found = list(texts(options.data, max(sizes)))
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        make(root, options.weights)
        parts = (
            speed(root, found[:sample]),
            resumed(root, found[:killed]),
            memory(root, found, sizes),
        )
        for name, value in itertools.chain(*parts):
            print(f"{name}: {value:.4g}", flush=True)


if __name__ == "__main__":
    main()
