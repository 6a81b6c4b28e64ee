"""A job: a file is answered part by part, and goes on where an earlier process was stopped."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from plait import bundle, machine
from plait.datasets.formats.opening import RawFile, plain_suffix
from plait.errors import PlaitError
from plait.files import read_json, sha256, write_json
from plait.progress import Progress
from plait.registry.records import Record
from plait.registry.store import Registry
from plait.serving.batch import windows
from plait.serving.batch.columns import Column, check_clash, columns
from plait.serving.batch.options import Options
from plait.serving.batch.parts import Parts, same
from plait.serving.batch.sinks import SINKS, Sink
from plait.serving.batch.sources import SOURCES, Source
from plait.serving.batch.survey import survey
from plait.serving.batch.windows import Faults, Strict, Window, unanswerable, within
from plait.serving.batch.workers import Answers, Worker, answers
from plait.tasks import Task

Say = Callable[[str], None]
Watch = Callable[[int, int], None]
"""Is told how many rows are answered, of how many."""
Reasons = list[str | None]
"""By row why it has no answer; None where it has one."""
_COPIES, _PROCESS = 2, 300 << 20
"""Memory of a process: its bundles so many times, and bytes for the rest."""


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
        only: first and last window (excluded) that are answered; None: all.
        pinned: parts of another plan, input or options are thrown away, and no refusal.
        receipt: where it is written what was answered by what; where that says that this job is
            done, it isn't done again.
    """

    file: Path
    out: Path
    record: Record
    root: Path = Path()
    options: Options = field(default_factory=Options)
    processes: int = 0
    restart: bool = False
    wait: bool = False
    only: tuple[int, int] | None = None
    pinned: bool = False
    receipt: Path | None = None

    def run(self, say: Say = print, watch: Watch = lambda _done, _total: None) -> Done:
        """Answer the file.

        Raises:
            PlaitError: the file, the output or an option is wrong, the disk refuses, or the parts
                that are there belong to another job.
        """
        source = self.source()
        parts = Parts(self.out)
        with parts.alone(self.wait):
            return self._run(source, parts, say, watch)

    @cached_property
    def _registry(self) -> Registry:
        return Registry(self.root)

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
        layout = self.options.layout()
        wanted = (self.options.text,)
        return SOURCES[kind](RawFile(self.file, self.file, layout, wanted), self.options.text)

    def _run(self, source: Source, parts: Parts, say: Say, watch: Watch) -> Done:
        asked = self._asked()
        mine = {**asked, "record": self.record.number, "seal": self.record.seal}
        if done := self._done(mine):
            return done
        earlier = None if self.restart else parts.job()
        if earlier and self.pinned and (other := same(earlier, mine)):
            say(f"{parts.folder}: parts of another job are thrown away: {'; '.join(other)}")
            earlier = None
        if earlier is None:
            record, added = self.record, self.columns(self.record)
            read = survey(source, self.options, self.only)
            check_clash(str(self.file), source.columns, added)
            parts.begin({**mine, "read": read})
        else:
            record = self._resumed(parts, earlier, asked, say)
            added, read = self.columns(record), earlier["read"]
            source.columns = read["columns"]
            source.kinds = {name: set(kinds) for name, kinds in read["kinds"].items()}
        sink = SINKS[plain_suffix(self.out.name)](source, added, self.out)
        job = replace(self, record=record)
        done = job._answer(source, sink, parts, read, watch)
        job._write_receipt(done, asked)
        parts.end()
        return done

    def _asked(self) -> dict[str, Any]:
        """What decides the output, but for the record."""
        return {
            "input": sha256(self.file),
            "service": self.record.service,
            "options": asdict(self.options),
            "output": "".join(self.out.suffixes[-2:]),
            "windows": list(self.only or ()),
            "plait": version("plait"),
        }

    def _done(self, mine: Mapping[str, Any]) -> Done | None:
        """What became of this job, if it was done before."""
        if self.restart or not (self.receipt and self.receipt.is_file() and self.out.is_file()):
            return None
        found = read_json(self.receipt)
        if same(found, {**mine, "size": self.out.stat().st_size}):
            return None
        return Done(self.record, found["rows"], found["rows"], found["bad"], found["first"], 0.0)

    def _write_receipt(self, done: Done, asked: Mapping[str, Any]) -> None:
        if self.receipt is None:
            return
        self.receipt.parent.mkdir(parents=True, exist_ok=True)
        mine = {**asked, "record": self.record.number, "seal": self.record.seal}
        found = {"rows": done.rows, "bad": done.bad, "first": done.first, "rate": done.rate}
        write_json(self.receipt, {**mine, **found, "size": self.out.stat().st_size})

    def _resumed(
        self, parts: Parts, earlier: Mapping[str, Any], asked: Mapping[str, Any], say: Say
    ) -> Record:
        """The record that an earlier process began with."""
        if differences := same(earlier, asked):
            raise PlaitError(
                f"{parts.folder}: holds parts of another job: {'; '.join(differences)}. Run it as "
                "it began, or begin anew with `--restart`."
            )
        record = self._registry.record(self.record.service, earlier["record"])
        if record.seal != earlier["seal"]:
            raise PlaitError(
                f"{parts.folder}: began with record {record.number} of {record.service}, which is "
                "another one here. Begin anew with `--restart`."
            )
        if lost := set(record.bundles.values()) - set(self._registry.bundles()):
            raise PlaitError(
                f"{parts.folder}: began with record {record.number} of {record.service}, whose "
                f"bundle {min(lost)} is no longer here. Begin anew with `--restart`."
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
            tasks(record, self._registry),
            options.prefix,
            options.top,
            options.on_bad_row == "null",
        )

    def _answer(
        self, source: Source, sink: Sink, parts: Parts, read: Mapping[str, Any], watch: Watch
    ) -> Done:
        began, before, total = time.monotonic(), parts.done(), read["rows"]
        resumed = done = sum(before.values())
        worker = Worker(self.root, self.record, tuple(sink.added), self.options.top)
        count = self._processes(len(before), total)
        if count > 1:
            worker = replace(worker, threads=max(1, machine.cores() // count))
        asked = _texts(source, before, self.only)
        with Progress(total, "predict", "row", done=done) as bar:
            for (window, reasons), found in answers(worker, asked, count):
                size = len(window.texts)
                parts.write(window.number, size, self._part(sink, window, reasons, found))
                done += size
                bar.update(size)
                watch(done, total)
        with parts.output() as stream:
            sink.join(parts.paths(), stream)
        bad = str(Faults(read["first"], read["bad"]))
        return Done(self.record, total, resumed, read["bad"], bad, time.monotonic() - began)

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
        size = sum(map(self._registry.size, set(self.record.bundles.values())))
        room = psutil.virtual_memory().available // 2 // (_COPIES * size + _PROCESS)
        return max(1, min(left, machine.cores(), room))


def _texts(
    source: Source, done: Mapping[int, int], only: tuple[int, int] | None
) -> Iterator[tuple[Any, list[str]]]:
    """Windows that are not answered yet, with their rows' faults, and the other rows' texts."""
    for window in within(source.windows(Strict()), only):
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
