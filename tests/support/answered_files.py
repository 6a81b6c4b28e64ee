"""Files of texts, and the answers that batch prediction gives them."""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import zstandard
from pyarrow import parquet

import small
from plait.registry.store import Registry
from plait.serving.batch.job import Done, Job
from plait.serving.batch.options import Options

TEXTS = [row.text for row in small.rows(0, 1)]
PACK = {".gz": gzip.compress, ".zst": zstandard.compress}
UNPACK = {
    ".gz": gzip.decompress,
    ".zst": lambda b: zstandard.ZstdDecompressor().stream_reader(b).read(),
}


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Rows in the format of the file's ending."""
    names = list(rows[0]) if rows else ["text"]
    kind, packed = _kind(path)
    if kind == ".parquet":
        sink = io.BytesIO()
        parquet.write_table(pyarrow.Table.from_pylist([dict(r) for r in rows]), sink)
        content = sink.getvalue()
    elif kind == ".jsonl":
        content = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows).encode()
    else:
        text = io.StringIO(newline="")
        mark = "\t" if kind == ".tsv" else ","
        writer = csv.writer(text, delimiter=mark)
        writer.writerows([names, *([row[name] for name in names] for row in rows)])
        content = text.getvalue().encode()
    path.write_bytes(PACK[packed](content) if packed else content)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, read by Python's own libraries and pyarrow."""
    kind, packed = _kind(path)
    content = path.read_bytes()
    content = UNPACK[packed](content) if packed else content
    if kind == ".parquet":
        found: list[dict[str, Any]] = parquet.read_table(io.BytesIO(content)).to_pylist()
        return found
    text = content.decode("utf-8", "surrogateescape")
    if kind == ".jsonl":
        return list(map(json.loads, filter(None, text.split("\n"))))
    mark = "\t" if kind == ".tsv" else ","
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=mark, strict=True))


def _kind(path: Path) -> tuple[str, str]:
    packed = path.suffix if path.suffix in PACK else ""
    return Path(path.name.removesuffix(packed)).suffix, packed


def job(root: Path, file: Path, out: Path, **more: Any) -> Job:
    """A job of the champion, in this process; `Options` among the named values go there."""
    options = {name: more.pop(name) for name in list(more) if name in Options.__dataclass_fields__}
    more = {"processes": 1, **more}
    return Job(file, out, Registry(root).require(), root, Options(**options), **more)


def run(root: Path, file: Path, out: Path, **more: Any) -> Done:
    return job(root, file, out, **more).run(say=lambda _line: None)
