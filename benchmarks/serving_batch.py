"""Batch prediction of a file against lines of standard input, by one service in one run.

The service is MiniLM with fresh heads (serving_made.py), the texts are MASSIVE's, repeated with
variations. Prints rows a second of `plait predict FILE --out` and of `plait predict --json < file`,
the latter by ONNX Runtime and by torch, as before (`batch_over_lines`, `batch_over_torch_lines`);
memory of all processes by number of rows; and whether a job that was killed five times ends with
the same bytes (`resumed_equal`).
"""

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from massive import parser, rows
from plait.benchmark.latency import machine
from plait.registry.location import VARIABLE
from serving_made import make

SIZES, SAMPLE, KILLED_ROWS, KILLS = (10_000, 100_000, 1_000_000), 20_000, 50_000, 5
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
    return Measured([*PREDICT, str(file), *named], root)


def lines(root: Path, file: Path) -> Measured:
    return Measured([*PREDICT, "--json"], root, file)


def speed(onnx: Path, torch: Path, scratch: Path, found: Sequence[str]) -> None:
    """Rows a second of files and of lines, start included."""
    sample = scratch / "lines.txt"
    sample.write_text("".join(f"{text}\n" for text in found), encoding="utf-8")
    file = write_csv(scratch / "sample.csv", found)
    ways = {
        "lines, torch": lambda: lines(torch, sample),
        "lines": lambda: lines(onnx, sample),
        "file": lambda: batch(onnx, file, scratch / "sample.out.csv"),
        "file, one process": lambda: batch(onnx, file, scratch / "sample.out.csv", 1),
    }
    rates = {name: len(found) / way().seconds for name, way in ways.items()}
    for name, rate in rates.items():
        print(f"{name}: {rate:.0f} rows/s of {len(found):,}", flush=True)
    print(f"batch_over_lines: {rates['file'] / rates['lines']:.2f}")
    print(f"batch_over_torch_lines: {rates['file'] / rates['lines, torch']:.2f}", flush=True)


def memory(root: Path, scratch: Path, found: Sequence[str], sizes: Sequence[int]) -> None:
    """Peak and last memory by number of rows."""
    for size in sizes:
        file = write_csv(scratch / f"{size}.csv", found[:size])
        done = batch(root, file, scratch / f"{size}.out.csv")
        print(
            f"{size:,} rows: {size / done.seconds:.0f} rows/s, peak {done.peak:.0f} MiB, "
            f"last {done.last:.0f} MiB",
            flush=True,
        )


def resumed(root: Path, scratch: Path, found: Sequence[str], kills: int) -> None:
    """Kill a job at random moments, and compare what it ends with."""
    file, whole = write_csv(scratch / "killed.csv", found), scratch / "whole.csv.gz"
    seconds = batch(root, file, whole).seconds
    out = scratch / "killed.out.csv.gz"
    command = [*PREDICT, str(file), "--out", str(out)]
    environment = {**os.environ, VARIABLE: str(root / "registry")}
    chance = random.Random(0)
    for _ in range(kills):
        with subprocess.Popen(command, cwd=root, env=environment) as process:
            time.sleep(2 + chance.random() * seconds / kills)
            process.kill()
        parts = len(list(scratch.glob("killed.out.csv.gz.parts/*.part")))
        print(f"killed with {parts} parts done", flush=True)
    Measured(command, root)
    same = out.read_bytes() == whole.read_bytes()
    print(f"resumed_equal: {str(same).lower()}", flush=True)


def arguments() -> argparse.Namespace:
    made = parser(__doc__, "10,000 rows at most, and a killed job of 10,000: two minutes")
    return made.parse_args()


def main() -> None:
    options = arguments()
    sizes = (2_000, 10_000) if options.quick else SIZES
    sample, killed = (2_000, 10_000) if options.quick else (SAMPLE, KILLED_ROWS)
    print(f"batch prediction, {machine()}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        found = list(texts(options.data, max(sizes)))
        onnx = make(folder / "onnx", options.weights)
        torch = make(folder / "torch", options.weights, graph=False)
        speed(onnx, torch, folder, found[:sample])
        resumed(onnx, folder, found[:killed], KILLS)
        memory(onnx, folder, found, sizes)


if __name__ == "__main__":
    main()
