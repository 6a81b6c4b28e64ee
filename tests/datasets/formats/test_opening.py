"""Compressed files: gzip, Zstandard, and zip archives with one member."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from formats import rows, written
from plait.errors import PlaitError

TEXT = "text,label\r\n" + "".join(f"notiz {i} über {i * 7919},x\r\n" for i in range(20_000))
ROWS = [{"text": f"notiz {i} über {i * 7919}", "label": "x"} for i in range(20_000)]


def zipped(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "rows.csv.gz": gzip.compress,
    "ROWS.CSV.GZ": gzip.compress,
    "rows.csv.zst": zstandard.compress,
    "rows.zip": lambda content: zipped({"in/rows.csv": content}),
    "rows.csv.zip": lambda content: zipped({"rows.csv": content, "__MACOSX/._rows.csv": b"?"}),
}


@pytest.mark.parametrize("name", PACKERS)
def test_the_content_is_read(tmp_path: Path, name: str) -> None:
    assert rows(written(tmp_path, PACKERS[name](TEXT.encode()), name)) == ROWS


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_several_parts_in_one_file(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    half = TEXT.index("\r\n", len(TEXT) // 2) + 2
    parts = pack(TEXT[:half].encode()) + pack(TEXT[half:].encode())
    name = "rows.csv.gz" if pack is gzip.compress else "rows.csv.zst"
    assert rows(written(tmp_path, parts, name)) == ROWS


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_was_cut_off_is_named(tmp_path: Path, name: str, share: float) -> None:
    content = PACKERS[name](TEXT.encode())
    path = written(tmp_path, content[: int(len(content) * share)], name)
    with pytest.raises(PlaitError, match=rf"{name}: (not a |is empty)"):
        rows(path)


@pytest.mark.parametrize("name", PACKERS)
def test_undecodable_bytes_are_located_in_the_content(tmp_path: Path, name: str) -> None:
    content = TEXT.encode().replace("ü".encode(), b"u") + b"caf\xe9,x\n"
    with pytest.raises(PlaitError, match=rf"line 20002: byte 0xe9 at offset {len(content) - 4} is"):
        rows(written(tmp_path, PACKERS[name](content), name))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, r"holds 0 files .none., expected one"),
        ({"a.csv": b"", "b.csv": b""}, r"holds 2 files .a.csv, b.csv., expected one. Unpack"),
        ({"a.txt": b""}, "its format is not known; expected one of .csv"),
    ],
)
def test_archives_have_one_member(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    with pytest.raises(PlaitError, match=message):
        rows(written(tmp_path, zipped(members), "rows.zip"))


def test_parquet_in_an_archive(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    content = zipped({"rows.parquet": (tmp_path / "rows.parquet").read_bytes()})
    assert rows(written(tmp_path, content, "rows.zip")) == ROWS
