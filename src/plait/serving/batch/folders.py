"""A folder of files as parts that several machines can answer, each on its own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plait.datasets.formats.opening import RawFile, plain_suffix
from plait.errors import PlaitError
from plait.registry.records import Record
from plait.registry.store import Registry
from plait.serving.batch import windows
from plait.serving.batch.job import Done, Job, Say, Watch
from plait.serving.batch.options import Options
from plait.serving.batch.sources import SOURCES
from plait.serving.batch.windows import Faults

RECEIPTS = ".plait"
"""Folder in the output's, of what was answered by what."""


@dataclass(frozen=True)
class Part:
    """A file, or some of its windows: `only` has the first and the last (excluded)."""

    file: Path
    out: Path
    only: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        return self.out.name

    @property
    def receipt(self) -> Path:
        return self.out.parent / RECEIPTS / f"{self.out.name}.json"

    def as_json(self) -> dict[str, Any]:
        return {"file": str(self.file), "out": str(self.out), "only": self.only}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Part":
        only = value["only"]
        return cls(Path(value["file"]), Path(value["out"]), only and (only[0], only[1]))


@dataclass(frozen=True)
class Request:
    """By which plan parts are answered, and how.

    Attributes:
        number, seal: the record of the plan, the same for all parts and machines.
    """

    service: str
    number: int
    seal: str
    options: Options
    processes: int = 0

    @classmethod
    def of(cls, record: Record, options: Options, processes: int = 0) -> "Request":
        return cls(record.service, record.number, record.seal, options, processes)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Request":
        return cls(**{**value, "options": Options(**value["options"])})

    def answer(self, part: Part, root: Path, say: Say, watch: Watch) -> Done:
        """Answer a part, unless its receipt says that it is done.

        Raises:
            PlaitError: as `Job.run`, or the registry here has another record of that number.
        """
        record = Registry(root).record(self.service, self.number)
        if record.seal != self.seal:
            raise PlaitError(
                f"{Registry(root).folder}: record {self.number} of {self.service} is another one "
                "than where the run began. Let all machines share one registry (PLAIT_REGISTRY)."
            )
        job = Job(
            part.file,
            part.out,
            record,
            root,
            self.options,
            self.processes,
            wait=True,
            only=part.only,
            pinned=True,
            receipt=part.receipt,
        )
        return job.run(say, watch)


def plan(
    folder: Path, out: Path, pattern: str, ending: str | None, rows: int, options: Options
) -> list[Part]:
    """The parts of a folder's files, in the order of their names.

    Args:
        pattern: of names, such as `*.csv`.
        ending: of the outputs, such as `.parquet`; None: that of each input.
        rows: of a part, about; a larger file becomes several.

    Raises:
        PlaitError: no file, two outputs of one name, or a larger file can't be read.
    """
    out.mkdir(parents=True, exist_ok=True)
    if out.resolve() == folder.resolve():
        raise PlaitError(f"--out: found the input's folder, {out}. Name another one.")
    parts = [
        part
        for file in _files(folder, pattern)
        for part in _parts(file, out, ending or _ending(file), rows, options)
    ]
    names = [part.name for part in parts]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise PlaitError(f"{folder}: two files would become {out / twice[0]}. Rename one.")
    return parts


def _files(folder: Path, pattern: str) -> list[Path]:
    found = [path for path in sorted(folder.glob(pattern)) if path.is_file()]
    files = [path for path in found if plain_suffix(path.name) in SOURCES]
    if not files:
        raise PlaitError(
            f"{folder}: found no file that matches {pattern!r} and ends with one of "
            f"{', '.join(SOURCES)} (or these with .gz or .zst). Name another folder or `--pattern`."
        )
    return files


def _ending(file: Path) -> str:
    """`.csv.gz` of `A.CSV.gz`."""
    kind = plain_suffix(file.name)
    return kind if file.suffix.lower() == kind else f"{kind}{file.suffix.lower()}"


def _parts(file: Path, out: Path, ending: str, rows: int, options: Options) -> Iterator[Part]:
    stem = file.name[: -len(_ending(file))]
    limits = _limits(file, rows, options)
    if len(limits) < 2:
        yield Part(file, out / f"{stem}{ending}")
        return
    for number, only in enumerate(limits, 1):
        yield Part(file, out / f"{stem}.{number:05d}{ending}", only)


def _limits(file: Path, rows: int, options: Options) -> Sequence[tuple[int, int]]:
    """Windows of a file in groups of about so many rows; none where its size shows fewer rows."""
    if file.stat().st_size < rows:
        return []
    job = RawFile(file, file, options.layout(), (options.text,))
    source = SOURCES[plain_suffix(file.name)](job, options.text)
    # What is wrong with a row is said by the file's parts.
    count = sum(1 for _ in source.windows(Faults()))
    step = max(1, rows // windows.ROWS)
    return [(first, min(first + step, count)) for first in range(0, count, step)]
