"""What validation costs: seconds and memory for 10 k, 100 k and 1 M short rows, and for raw posts.

Each data set is checked in a process of its own, from prepared files to the written report, the
imports among it. Short rows have 6 to 30 words; one in a hundred is a copy, another one an edited
copy. Writes docs/results/validation_scale.{json,md}.

With `--files MB` it reads files of that size instead, a CSV and a Parquet file, as `plait validate
FILE` does: from the file to prepared rows, and to the report. Their texts have 200 to 2,000
characters, as tickets and posts do, or with `--short` about 40; one in a hundred is a copy, another
one an edited copy.
"""

import argparse
import csv
import itertools
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plait.files import write_json, write_jsonl
from plait.machine import cores
from plait.tasks import Row, Split, Task, write_rows

RESULTS = Path("docs/results")
TOPIC = Task("topic", "rows", "classification", "topic", (), "accuracy")
GROUP = Task("topic20", "rows", "classification", "group", (), "accuracy")
SHARES: tuple[tuple[Split, float], ...] = (("train", 0.8), ("dev", 0.1), ("heldout", 0.1))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="10 k rows and posts; writes nothing")
    parser.add_argument("--files", type=int, metavar="MB", help="read files; writes nothing")
    parser.add_argument("--short", action="store_true", help="--files of about 40 characters a row")
    parser.add_argument("--only", choices=("prepare", "validate"), help="of --files")
    parser.add_argument("--format", choices=("csv", "parquet"), help="of --files")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def short_rows(count: int) -> Iterator[Row]:
    """Words drawn by their rank, as in a language; in a hundred rows a copy and an edited one."""
    rng = random.Random(17)
    vocabulary = [f"word{i}" for i in range(30_000)]
    last: list[str] = []
    for i in range(count):
        if i % 100 == 1:
            words = last
        elif i % 100 == 3:
            words = [*last[:-1], "edited"]
        else:
            ranks = (int(30_000 ** rng.random()) - 1 for _ in range(rng.randint(6, 30)))
            words = [vocabulary[rank] for rank in ranks]
        last = words
        yield Row(f"r{i}", " ".join(words), {"topic": f"topic {i % 12}"})


def write_short(folder: Path, count: int) -> None:
    rows = list(short_rows(count))
    random.Random(17).shuffle(rows)
    start = 0
    for split, share in SHARES:
        _write(folder, split, rows[start : start + round(share * count)])
        start += round(share * count)


def write_posts(folder: Path) -> None:
    """Raw 20 Newsgroups, headers and all."""
    from plait.datasets.twenty_newsgroups import TwentyNewsgroups

    reader = TwentyNewsgroups(reader="twenty_newsgroups", variant="raw")
    for source in reader.sources():
        source.fetch(folder / "raw")
    rows = list(reader.read(folder / "raw", 17))
    for split, _ in SHARES:
        _write(folder, split, [row for found, row in rows if found == split])


def _write(folder: Path, split: Split, rows: list[Row]) -> None:
    from plait.experiment.schema import Validation
    from plait.validation.fingerprints import write_fingerprints

    write_jsonl(folder / "rows" / "quarantine.jsonl", [])
    if split == "heldout":
        path = folder / "rows" / "heldout.fingerprints.jsonl"
        write_fingerprints(path, rows, Validation().short_words)
    else:
        write_rows(folder / "rows" / f"{split}.jsonl", rows)


def check(folder: Path) -> None:
    """Validate one folder; print what it took."""
    began = time.perf_counter()
    from plait.experiment.schema import Validation
    from plait.validation.report import write_report
    from plait.validation.validating import validate

    task = GROUP if (folder / "raw").exists() else TOPIC
    report = validate(folder, [task], Validation())
    write_report(report, folder / "validation", {})
    figures = report.figures["rows"]
    print(
        json.dumps(
            {
                "rows": sum(figures.rows.values()),
                "seconds": round(time.perf_counter() - began, 1),
                "processor": round(time.process_time(), 1),
                "GiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
                "checks": len(report.results),
                "clusters": figures.clusters.count,
                "leaks": {kind: len(ids) for kind, ids in report.leaks["rows"].items()},
            }
        )
    )


def measured(name: str, folder: Path) -> dict[str, Any]:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--one", str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PLAIT_PROGRESS_LINES": "1"},
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return {"data": name, **found, "seconds": round(time.perf_counter() - began, 1)}


def documents(size: int, short: bool) -> Iterator[dict[str, str]]:
    """Texts of `size` characters in all, with one of twelve labels."""
    rng = random.Random(17)
    vocabulary = [f"word{int(30_000 ** rng.random())}" for _ in range(1 << 16)]
    least, most = (30, 50) if short else (200, 2000)
    text = ""
    for i in itertools.count():
        if i % 100 == 3:
            text = f"{text.rpartition(' ')[0]} edited"
        elif i % 100 != 1:
            text = " ".join(rng.choices(vocabulary, k=most // 6))[: rng.randint(least, most)]
        size -= len(text)
        if size < 0:
            return
        yield {"text": text, "label": f"topic {rng.randrange(12)}"}


def write_csv(path: Path, rows: Iterator[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["text", "label"])
        writer.writeheader()
        writer.writerows(rows)


def write_parquet(path: Path, rows: Iterator[dict[str, str]]) -> None:
    """Row groups of 100,000 rows; not compressed, so that the file has the size of its texts."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema({"text": pa.string(), "label": pa.string()})
    options = {"compression": "none", "use_dictionary": ["label"]}
    with parquet.ParquetWriter(path, schema, **options) as writer:
        while group := list(itertools.islice(rows, 100_000)):
            writer.write_table(pa.Table.from_pylist(group, schema))


def read_file(path: Path, step: str) -> None:
    """Prepare the rows of a file, or check it whole; print what it took."""
    began, size = time.perf_counter(), path.stat().st_size
    rows = (prepared if step == "prepare" else checked)(path)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{path.suffix[1:]} of {size / 1e6:,.0f} MB, {step}: {rows:,} rows in {seconds:,.1f} s "
        f"({time.process_time():,.1f} s of processor), {rows / seconds:,.0f} rows/s, "
        f"{size / 1e6 / seconds:,.1f} MB/s, {peak:.2f} GiB"
    )


def prepared(path: Path) -> int:
    """Rows of the file, split and written as canonical rows."""
    from plait.datasets.table import Table
    from plait.files import json_line
    from plait.tasks import row_to_json

    reader = Table.model_validate({"files": [{"path": path.name}], "labels": {"t": "label"}})
    with path.with_suffix(".prepared").open("wb") as stream:
        lines = (json_line(row_to_json(row)) for _, row in reader.read(path.parent, 17))
        return sum(1 for line in lines if stream.write(line))


def checked(path: Path) -> int:
    """Rows of the file, checked as `plait validate FILE` does."""
    from plait.preparation.own_file import Columns, check_file

    report = check_file(path, Columns("text", ("label",)))
    return sum(sum(figures.rows.values()) for figures in report.figures.values())


def read_files(options: argparse.Namespace) -> None:
    formats = {"csv": write_csv, "parquet": write_parquet}
    with tempfile.TemporaryDirectory() as scratch:
        for name in [options.format] if options.format else formats:
            path = Path(scratch, f"rows.{name}")
            formats[name](path, documents(options.files * 1_000_000, options.short))
            for step in [options.only] if options.only else ["prepare", "validate"]:
                command = [sys.executable, __file__, "--one", str(path), "--only", step]
                subprocess.run(command, check=True)


def markdown(results: list[dict[str, Any]]) -> str:
    lines = [
        "# What validation costs",
        "",
        "    PLAIT_MIRROR=../shared/data python benchmarks/validation_scale.py",
        "",
        f"A process each, from prepared files to the report; {cores()} cores, one run, on a",
        "machine that other work shares.",
        "",
        "| data | rows | seconds | seconds of processor | per 100 k rows | GiB | checks | clusters "
        "| leaks |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        leaks = f"{r['leaks']['exact']:,} exact, {r['leaks']['near']:,} near"
        lines.append(
            f"| {r['data']} | {r['rows']:,} | {r['seconds']} | "
            f"{r['processor']} | {r['processor'] / r['rows'] * 1e5:.1f} | {r['GiB']} | "
            f"{r['checks']} | {r['clusters']:,} | {leaks} |"
        )
    return "\n".join([*lines, ""])


def main() -> None:
    options = arguments()
    if options.one and options.only:
        read_file(options.one, options.only)
        return
    if options.one:
        check(options.one)
        return
    if options.files:
        read_files(options)
        return
    results = []
    for count in (10_000,) if options.quick else (10_000, 100_000, 1_000_000):
        with tempfile.TemporaryDirectory() as scratch:
            write_short(Path(scratch), count)
            results.append(measured("short rows", Path(scratch)))
        print(results[-1], flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        write_posts(Path(scratch))
        results.append(measured("raw 20 Newsgroups", Path(scratch)))
    print(markdown(results))
    if not options.quick:
        write_json(RESULTS / "validation_scale.json", results)
        (RESULTS / "validation_scale.md").write_text(markdown(results), encoding="utf-8")


if __name__ == "__main__":
    main()
