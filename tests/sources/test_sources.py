"""Pinned bytes arrive whole or not at all, and every refusal says what to do."""

import io
import os
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from downloads import digest, kept, names
from plait.errors import PlaitError
from plait.sources import LocalFile, Source, Upstream, Wheel
from plait.sources.archives import tar_files, zip_archive
from plait.sources.base import climbs
from plait.sources.download import download
from servers import Shelf, serve

__all__ = ["kept"]

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with serve(Shelf({"/file.bin": CONTENT})) as found:
        yield found


def publish(index: Path, members: dict[str, bytes], mode: int | None = None) -> str:
    """Put demo-1.0 into the folder that pip looks in; the wheel's sha256."""
    index.mkdir(exist_ok=True)
    wheel = index / "demo-1.0-py3-none-any.whl"
    info = {
        "demo-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        "demo-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any",
        "demo-1.0.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in {**members, **info}.items():
            entry = zipfile.ZipInfo(name)
            if mode is not None and name in members:
                entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return digest(wheel.read_bytes())


def demo(pin: str, **files: str) -> Wheel:
    return Wheel(package="demo", version="1.0", sha256=pin, files=files or {"a.txt": "demo/a.txt"})


def test_wheel_gives_exactly_the_declared_files_and_needs_no_network_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = publish(tmp_path / "index", {"demo/a.txt": b"A", "demo/b.txt": b"B"})
    source = demo(pin, **{"a.txt": "demo/a.txt"})
    source.fetch(tmp_path / "here")
    assert names(tmp_path / "here") == ["a.txt"]
    assert (tmp_path / "here" / "a.txt").read_bytes() == b"A"
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    source.fetch(tmp_path / "again")
    assert names(tmp_path / "again") == ["a.txt"]


def test_wheel_runs_no_code_of_the_package(tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'ran')!r}, 'w')".encode()
    pin = publish(tmp_path / "index", {"demo/__init__.py": code, "demo/a.txt": b"A"})
    demo(pin).fetch(tmp_path / "here")
    assert not (tmp_path / "ran").exists()


def test_wheel_of_other_bytes_is_refused_and_not_kept(tmp_path: Path, kept: Path) -> None:
    found = publish(tmp_path / "index", {"demo/a.txt": b"A"})
    with pytest.raises(PlaitError) as caught:
        demo("0" * 64).fetch(tmp_path / "here")
    message = str(caught.value)
    assert f"sha256 is {found}, expected {'0' * 64}" in message
    assert "demo==1.0 is not the pinned one and was not kept" in message
    assert names(kept) == []
    assert names(tmp_path / "here") == []


def test_damaged_kept_wheel_is_downloaded_again(tmp_path: Path, kept: Path) -> None:
    pin = publish(tmp_path / "index", {"demo/a.txt": b"A"})
    kept.mkdir()
    (kept / "demo-1.0.whl").write_bytes(b"half of it")
    demo(pin).fetch(tmp_path / "here")
    assert digest((kept / "demo-1.0.whl").read_bytes()) == pin


def test_wheel_out_of_reach_says_where_else_it_may_lie(tmp_path: Path, kept: Path) -> None:
    with pytest.raises(PlaitError) as caught:
        demo("0" * 64).fetch(tmp_path / "here")
    message = str(caught.value)
    assert "demo==1.0: pip could not download the wheel" in message
    assert "No matching distribution found for demo==1.0" in message
    assert f"put the wheel at {kept / 'demo-1.0.whl'}" in message


def test_no_file_arrives_where_one_is_missing(tmp_path: Path) -> None:
    pin = publish(tmp_path / "index", {"demo/a.txt": b"A"})
    source = demo(pin, **{"a.txt": "demo/a.txt", "b.txt": "demo/b.txt"})
    with pytest.raises(PlaitError, match=r"has no member 'demo/b.txt'. Correct the member's name"):
        source.fetch(tmp_path / "here")
    assert names(tmp_path / "here") == []


def test_interrupted_copy_leaves_nothing(tmp_path: Path) -> None:
    class Interrupted(Source):
        def bring(self, folder: Path) -> None:
            (folder / "half").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted().fetch(tmp_path / "here" / "data")
    assert names(tmp_path) == []


@pytest.mark.parametrize("member", ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil"])
def test_archives_with_members_that_climb_out_are_refused(tmp_path: Path, member: str) -> None:
    publish(tmp_path / "index", {"demo/a.txt": b"A", member: b"evil"})
    refusal = "has a path outside the archive; expected only plain files"
    (wheel,) = (tmp_path / "index").iterdir()
    with pytest.raises(PlaitError, match=refusal), zip_archive(wheel):
        pass
    with pytest.raises(PlaitError, match=refusal):
        list(tar_files(tar(tmp_path / "a.tar", tarfile.TarInfo(member))))


def test_wheel_with_a_member_that_climbs_out_gives_nothing(tmp_path: Path) -> None:
    pin = publish(tmp_path / "index", {"demo/a.txt": b"A", "../evil": b"evil"})
    with pytest.raises(PlaitError, match=r"member '../evil' has a path outside the archive"):
        demo(pin).fetch(tmp_path / "here")
    assert names(tmp_path / "here") == []
    assert not (tmp_path / "evil").exists()


def tar(path: Path, *members: tarfile.TarInfo, content: bytes = b"") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_tar_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("innocent")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(PlaitError, match="member 'innocent' is a link or a device"):
        list(tar_files(tar(tmp_path / "a.tar", member)))


def test_zip_links_are_refused(tmp_path: Path) -> None:
    pin = publish(tmp_path / "index", {"demo/a.txt": b"/etc/passwd"}, stat.S_IFLNK | 0o777)
    with pytest.raises(PlaitError, match=r"member 'demo/a.txt' is a link or a device"):
        demo(pin).fetch(tmp_path / "here")


def test_damaged_archives_are_named(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(CONTENT)
    with pytest.raises(PlaitError, match="broken: not a readable tar archive"):
        list(tar_files(tmp_path / "broken"))
    with (
        pytest.raises(PlaitError, match="broken: not a readable zip archive"),
        zip_archive(tmp_path / "broken"),
    ):
        pass


@pytest.mark.parametrize("name", ["../a", "/a", "", ".", "a/../../b", "\\\\host\\a", "c:a", "a\0"])
def test_declared_names_stay_inside(name: str) -> None:
    assert climbs(name)
    with pytest.raises(ValidationError, match="not a relative path inside its folder"):
        demo("0" * 64, **{name: "demo/a.txt"})


def upstream(shelf: Shelf, *pins: str) -> Upstream:
    return Upstream(target="f.bin", path="sub/file.bin", url=f"{shelf.url}/file.bin", sha256=pins)


def test_upstream_is_downloaded_once(tmp_path: Path, shelf: Shelf) -> None:
    source = upstream(shelf, digest(CONTENT))
    source.fetch(tmp_path / "here")
    source.fetch(tmp_path / "again")
    assert (tmp_path / "again" / "f.bin").read_bytes() == CONTENT
    assert shelf.asked == ["/file.bin"]


def test_mirror_comes_first(tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mirror" / "sub").mkdir(parents=True)
    (tmp_path / "mirror" / "sub" / "file.bin").write_bytes(CONTENT)
    monkeypatch.setenv("PLAIT_MIRROR", str(tmp_path / "mirror"))
    upstream(shelf, digest(CONTENT)).fetch(tmp_path / "here")
    assert (tmp_path / "here" / "f.bin").read_bytes() == CONTENT
    assert shelf.asked == []


def test_mirror_that_is_no_folder_is_named(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAIT_MIRROR", "/no/such")
    with pytest.raises(PlaitError, match=r"PLAIT_MIRROR=/no/such: no such folder. Unset it, or"):
        upstream(shelf, digest(CONTENT)).fetch(tmp_path / "here")


def test_download_goes_on_where_the_connection_broke(
    tmp_path: Path, shelf: Shelf, kept: Path
) -> None:
    shelf.cut = 300_000
    upstream(shelf, digest(CONTENT)).fetch(tmp_path / "here")
    assert (tmp_path / "here" / "f.bin").read_bytes() == CONTENT
    assert shelf.ranges == [None, "bytes=300000-"]
    assert names(kept) == ["file.bin"]


def test_killed_download_leaves_no_half_file_and_goes_on_later(
    tmp_path: Path, shelf: Shelf, kept: Path
) -> None:
    """The process is killed while the server, which has sent a part, is still sending."""
    kept.mkdir()
    shelf.stall = 200_000
    code = (
        "from pathlib import Path; from plait.sources.download import download;"
        f"download({shelf.url + '/file.bin'!r}, Path({str(kept / 'file.bin')!r}), '')"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    partial = kept / "file.bin.partial"
    deadline = time.monotonic() + 60
    while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    shelf.stall = None
    assert names(kept) == ["file.bin.partial"]
    assert 0 < partial.stat().st_size < len(CONTENT)
    upstream(shelf, digest(CONTENT)).fetch(tmp_path / "here")
    assert (tmp_path / "here" / "f.bin").read_bytes() == CONTENT
    assert shelf.ranges[-1] is not None


def test_download_that_is_not_the_pinned_file_is_forgotten(
    tmp_path: Path, shelf: Shelf, kept: Path
) -> None:
    with pytest.raises(PlaitError) as caught:
        upstream(shelf, "1" * 64, "2" * 64).fetch(tmp_path / "here")
    message = str(caught.value)
    assert f"sha256 is {digest(CONTENT)}, expected {'1' * 64} or {'2' * 64}" in message
    assert "add the value found as `sha256`" in message
    assert names(kept) == []
    assert names(tmp_path / "here") == []


def test_file_without_a_known_pin_is_refused_with_the_pin_to_set(
    tmp_path: Path, shelf: Shelf
) -> None:
    with pytest.raises(PlaitError) as caught:
        upstream(shelf).fetch(tmp_path / "here")
    message = str(caught.value)
    assert f"sha256 is {digest(CONTENT)}, expected a pin, and none is set" in message
    assert "Compare the file with what its authors publish, then set `sha256`" in message
    assert names(tmp_path / "here") == []


def test_missing_upstream_names_address_and_mirror(tmp_path: Path, shelf: Shelf) -> None:
    del shelf.files["/file.bin"]
    with pytest.raises(PlaitError) as caught:
        upstream(shelf, digest(CONTENT)).fetch(tmp_path / "here")
    assert f"{shelf.url}/file.bin: download failed (HTTP Error 404" in str(caught.value)
    assert "PLAIT_MIRROR is not set. Check the network, or put the file into a mirror" in str(
        caught.value
    )
    assert shelf.asked == ["/file.bin"], "what is not there is not asked for again"


def test_only_https_is_fetched(tmp_path: Path) -> None:
    for url in ("http://example.org/a", "file:///etc/passwd", "ftp://example.org/a"):
        with pytest.raises(PlaitError, match="scheme, expected https"):
            download(url, tmp_path / "a", "")


def test_member_of_a_published_tar(tmp_path: Path, shelf: Shelf) -> None:
    member = tarfile.TarInfo("1.1/data/en-US.jsonl")
    other = tarfile.TarInfo("1.1/README")
    shelf.files["/all.tar.gz"] = tar(tmp_path / "a", other, member, content=b"rows").read_bytes()
    source = Upstream(
        target="en-US.jsonl",
        path="massive/1.1/data/en-US.jsonl",
        url=f"{shelf.url}/all.tar.gz",
        member="1.1/data/en-US.jsonl",
        sha256=(digest(b"rows"),),
    )
    source.fetch(tmp_path / "here")
    assert (tmp_path / "here" / "en-US.jsonl").read_bytes() == b"rows"
    missing = source.model_copy(update={"member": "1.1/data/xx.jsonl"})
    with pytest.raises(PlaitError, match=r"all.tar.gz: has no member '1.1/data/xx.jsonl'"):
        missing.fetch(tmp_path / "there")


def test_tar_in_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mirror").mkdir()
    member = tarfile.TarInfo("1.1/data/en-US.jsonl")
    tar(tmp_path / "mirror" / "amazon-massive-dataset-1.1.tar.gz", member, content=b"rows")
    monkeypatch.setenv("PLAIT_MIRROR", str(tmp_path / "mirror"))
    from plait.datasets.massive import Massive

    (source,) = Massive(sha256=digest(b"rows")).sources()
    source.fetch(tmp_path / "here")
    assert (tmp_path / "here" / "en-US.jsonl").read_bytes() == b"rows"


def test_own_file_shows_the_pin_to_set(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_bytes(b"text,label\n")
    own = LocalFile(path=str(tmp_path / "own.csv"), target="own.csv", setting="files.0.sha256")
    found = digest(b"text,label\n")
    with pytest.raises(PlaitError) as caught:
        own.fetch(tmp_path / "here")
    assert str(caught.value) == (
        f"{tmp_path / 'own.csv'}: sha256 is {found}, expected a pin, and none is set. If this is "
        "the file that you mean, set `files.0.sha256` to the value found."
    )
    own.model_copy(update={"sha256": found}).fetch(tmp_path / "here")
    assert names(tmp_path / "here") == ["own.csv"]
    with pytest.raises(PlaitError, match=f"sha256 is {found}, expected {'0' * 64}"):
        own.model_copy(update={"sha256": "0" * 64}).fetch(tmp_path / "there")


def test_own_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PlaitError, match=f"no such file .looked in {Path.cwd()}.. Correct the pa"):
        LocalFile(path="no/such.csv", target="such.csv").fetch(tmp_path / "here")


def test_no_space_leaves_the_old_files(tmp_path: Path) -> None:
    """The device that is always full stands for the disk."""
    small = Path("/dev/full")
    if not small.exists():
        pytest.skip("needs /dev/full")
    here = tmp_path / "here"
    here.mkdir()
    (here / "f.bin").write_bytes(b"old")

    class Full(Source):
        def bring(self, folder: Path) -> None:
            (folder / "f.bin").write_bytes(b"new")
            with small.open("wb", buffering=0) as stream:
                os.write(stream.fileno(), b"x")

    with pytest.raises(OSError, match="No space left"):
        Full().fetch(here)
    assert (here / "f.bin").read_bytes() == b"old"
