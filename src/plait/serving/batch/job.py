"""A job: a file is answered part by part, and goes on where an earlier process was stopped."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import psutil
from pydantic import ValidationError

from plait import bundle, machine
from plait.datasets.formats.layout import Layout
from plait.datasets.formats.opening import RawFile, plain_suffix
from plait.errors import PlaitError
from plait.files import sha256
from plait.progress import Progress
from plait.registry.records import Record
from plait.registry.store import Registry
from plait.serving.batch import windows
from plait.serving.batch.columns import Column, check_clash, columns
from plait.serving.batch.parts import Parts, same
from plait.serving.batch.sinks import SINKS, Sink
from plait.serving.batch.sources import SOURCES, Source
from plait.serving.batch.windows import Faults, Strict, Window, unanswerable
from plait.serving.batch.workers import Answers, Worker, answers
from plait.tasks import Task

OnBadRow = Literal["null", "skip", "error"]
Say = Callable[[str], None]
Reasons = list[str | None]
"""By row why it has no answer; None where it has one."""
_COPIES, _PROCESS = 2, 300 << 20
"""Memory of a process: its bundles so many times, and bytes for the rest."""


@dataclass(frozen=True)
class Options:
    """What decides the bytes of an output, beside its input and the plan that answers.

    Attributes:
        text: the column with the text.
        prefix: begins the names of the columns of answers.
        top: labels of a classification.
        on_bad_row: what becomes of a row without a text: no answers and a reason (`null`), left
            out (`skip`), or nothing is answered at all (`error`).
        delimiter: of CSV; by default a comma, or what a `sep=` line says.
    """

    text: str = "text"
    prefix: str = ""
    top: int = 1
    on_bad_row: OnBadRow = "null"
    delimiter: str | None = None


@dataclass(frozen=True)
class Done:
    """What became of a job.

    Attributes:
        rows: of the input.
        resumed: rows that an earlier process had answered.
        bad: rows without a text; `first` has some of them, with reasons.
        seconds: what this process took to answer the others.
    """

    record: Record
    rows: int
    resumed: int
    bad: int
    first: str
    seconds: float

    @property
    def rate(self) -> float:
        """Rows a second."""
        return (self.rows - self.resumed) / self.seconds if self.seconds else 0.0

    def told(self, out: Path) -> str:
        """What a person wants to know."""
        by = f"{self.record.service}, record {self.record.number} ({self.record.plan})"
        lines = [f"{out}: {self.rows:,} rows, answered by {by}, {self.rate:,.0f} rows/s"]
        if self.resumed:
            lines.append(f"{self.resumed:,} of them had been answered before")
        if self.bad:
            lines.append(f"{self.bad:,} rows without an answer: {self.first}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Job:
    """A file to answer, and where the answers go.

    Attributes:
        record: the plan that answers; a job that goes on keeps the one it began with.
        processes: 0 chooses.
        restart: throw away what an earlier process has answered.
        wait: for another process that is at work on the same output.
    """

    file: Path
    out: Path
    record: Record
    root: Path = Path()
    options: Options = Options()
    processes: int = 0
    restart: bool = False
    wait: bool = False

    def run(self, say: Say = print) -> Done:
        """Answer the file.

        Raises:
            PlaitError: the file, the output or an option is wrong, the disk refuses, or the parts
                that are there belong to another job.
        """
        source = self.source()
        parts = Parts(self.out)
        with parts.alone(self.wait):
            return self._run(source, parts, say)

    def source(self) -> Source:
        """The input as rows, not read yet."""
        if not self.file.is_file():
            raise PlaitError(f"{self.file}: no such file. Name a file of texts.")
        kind = known(self.file, SOURCES, "the input")
        known(self.out, SINKS, "--out")
        if not self.out.parent.is_dir():
            raise PlaitError(f"{self.out}: {self.out.parent} is no folder. Make it first.")
        if self.out.is_dir() or (self.out.exists() and self.out.samefile(self.file)):
            raise PlaitError(f"{self.out}: found the input or a folder. Name another `--out`.")
        layout = _layout(self.options.delimiter)
        wanted = (self.options.text,)
        return SOURCES[kind](RawFile(self.file, self.file, layout, wanted), self.options.text)

    def _run(self, source: Source, parts: Parts, say: Say) -> Done:
        asked = {
            "input": sha256(self.file),
            "service": self.record.service,
            "options": asdict(self.options),
            "output": "".join(self.out.suffixes[-2:]),
            "plait": version("plait"),
        }
        earlier = None if self.restart else parts.job()
        if earlier is None:
            record = self.record
            added = self.columns(record)
            read = survey(source, self.options)
            check_clash(str(self.file), source.columns, added)
            parts.begin({**asked, "record": record.number, "seal": record.seal, "read": read})
        else:
            record = self._resumed(parts, earlier, asked, say)
            added, read = self.columns(record), earlier["read"]
            source.columns = read["columns"]
            source.kinds = {name: set(kinds) for name, kinds in read["kinds"].items()}
        sink = SINKS[plain_suffix(self.out.name)](source, added, self.out)
        return replace(self, record=record)._answer(source, sink, parts, read)

    def _resumed(
        self, parts: Parts, earlier: Mapping[str, Any], asked: Mapping[str, Any], say: Say
    ) -> Record:
        """The record that an earlier process began with."""
        if differences := same(earlier, asked):
            raise PlaitError(
                f"{parts.folder}: holds parts of another job: {'; '.join(differences)}. Run it as "
                "it began, or begin anew with `--restart`."
            )
        record = Registry(self.root).record(self.record.service, earlier["record"])
        if record.seal != earlier["seal"]:
            raise PlaitError(
                f"{parts.folder}: began with record {record.number} of {record.service}, which is "
                "another one here. Begin anew with `--restart`."
            )
        if record.bundles != self.record.bundles:
            say(
                f"The champion has changed: record {self.record.number} serves, and this job goes "
                f"on with record {record.number}, with which it began (`--restart` begins anew)."
            )
        return record

    def columns(self, record: Record) -> list[Column]:
        """The columns of a plan's answers."""
        options = self.options
        return columns(
            tasks(record, Registry(self.root)),
            options.prefix,
            options.top,
            options.on_bad_row == "null",
        )

    def _answer(self, source: Source, sink: Sink, parts: Parts, read: Mapping[str, Any]) -> Done:
        began, done = time.monotonic(), parts.done()
        resumed = sum(done.values())
        worker = Worker(self.root, self.record, tuple(sink.added), self.options.top)
        count = self._processes(len(done), read["rows"])
        if count > 1:
            worker = replace(worker, threads=max(1, machine.cores() // count))
        asked = _asked(source, done)
        with Progress(read["rows"], "predict", "row", done=resumed) as bar:
            for (window, reasons), found in answers(worker, asked, count):
                parts.write(
                    window.number, len(window.texts), self._part(sink, window, reasons, found)
                )
                bar.update(len(window.texts))
        with parts.output() as stream:
            sink.join(parts.paths(), stream)
        parts.drop()
        bad = Faults(read["first"], read["bad"])
        return Done(
            self.record, read["rows"], resumed, bad.count, str(bad), time.monotonic() - began
        )

    def _part(self, sink: Sink, window: Window, reasons: Reasons, found: Answers) -> bytes:
        """A window with its answers; rows without a text have none, and a reason."""
        kept = None
        if any(reasons):
            found = [_spread(reasons, values) for values in found]
            kept = [reason is None for reason in reasons]
        if self.options.on_bad_row == "null":
            return sink.part(window, [*found, reasons], None)
        return sink.part(window, found, kept)

    def _processes(self, done: int, rows: int) -> int:
        """How many processes answer: no more than there are windows, cores, and memory for."""
        left = max(1, -(-rows // windows.ROWS) - done)
        if self.processes:
            return min(self.processes, left)
        if machine.has_gpu():
            return 1
        registry = Registry(self.root)
        size = sum(map(registry.size, set(self.record.bundles.values())))
        room = psutil.virtual_memory().available // 2 // (_COPIES * size + _PROCESS)
        return max(1, min(left, machine.cores(), room))


def _layout(delimiter: str | None) -> Layout:
    try:
        return Layout(delimiter=delimiter)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise PlaitError(f"--delimiter: {said}.") from error


def _asked(source: Source, done: Mapping[int, int]) -> Iterator[tuple[Any, list[str]]]:
    for window in source.windows(Strict()):
        if window.number not in done:
            reasons = [unanswerable(text) for text in window.texts]
            pairs = zip(window.texts, reasons, strict=True)
            yield (window, reasons), [text for text, reason in pairs if reason is None]


def _spread(reasons: Reasons, values: list[Any]) -> list[Any]:
    """Values of the rows that have a text, with None for the others."""
    found = iter(values)
    return [next(found) if reason is None else None for reason in reasons]


def known(path: Path, formats: Mapping[str, Any], what: str) -> str:
    """The ending of a file that is read or written.

    Raises:
        PlaitError: it is another one.
    """
    kind = plain_suffix(path.name)
    if kind not in formats or path.suffix.lower() == ".zip":
        raise PlaitError(
            f"{path}: {what} ends with none of {', '.join(formats)}, also with .gz or .zst behind "
            "it. Convert or rename it."
        )
    return kind


def tasks(record: Record, registry: Registry) -> list[Task]:
    """The tasks of a plan, in the order of its answers, without loading a model."""
    known = {
        (name, task.name): task
        for name, digest in record.bundles.items()
        for task in bundle.resolved(registry.bundle(digest)).tasks
    }
    return [known[name, task] for task, name in record.tasks.items()]


def survey(source: Source, options: Options) -> dict[str, Any]:
    """Read a whole file before it is answered: a mistake in its last row is found at once.

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
            rows += len(window.texts)
            for place, text in zip(window.places, window.texts, strict=True):
                if reason := unanswerable(text):
                    bad.add(f"{place}: {reason}")
            bar.update(len(window.texts))
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
