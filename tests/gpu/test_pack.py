"""Parts for a machine without a network: small enough, put together again, and each checked."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import gpu_pack
import gpu_unpack
from plait.files import read_json, sha256, write_json
from projects import REPOSITORY


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(gpu_pack, "PART", 5000)
    files = {}
    for name, size in (("mirror/a.tar.gz", 12_345), ("downloads/b.whl", 3), ("wheels/c.whl", 0)):
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(i * 7 % 256 for i in range(size)))
        files[name] = path
    gpu_pack.pack(tmp_path / "journey", files)
    return tmp_path


def test_parts_give_the_same_files(packed: Path) -> None:
    parts = sorted((packed / "journey").glob("part-*"))
    assert len(parts) > 3
    assert max(path.stat().st_size for path in parts) <= 5000
    gpu_unpack.unpack(packed / "journey", packed / "there")
    for name in ("mirror/a.tar.gz", "downloads/b.whl", "wheels/c.whl"):
        assert (packed / "there" / name).read_bytes() == (packed / "source" / name).read_bytes()


def test_parts_are_at_most_60_megabytes() -> None:
    assert gpu_pack.PART <= 60_000_000


def test_parts_that_differ_or_are_missing_are_all_named(packed: Path) -> None:
    first, second, *_ = sorted((packed / "journey").glob("part-*"))
    content = bytearray(first.read_bytes())
    content[700] ^= 1
    first.write_bytes(content)
    second.unlink()
    with pytest.raises(SystemExit) as caught:
        gpu_unpack.unpack(packed / "journey", packed / "there")
    assert f"{first}: sha256: found {sha256(first)}, expected" in str(caught.value)
    assert f"{second}: sha256: found no such file" in str(caught.value)
    assert not (packed / "there").exists()


def test_a_file_that_differs_from_the_manifest_is_named(packed: Path) -> None:
    manifest = read_json(packed / "journey/manifest.json")
    manifest["files"]["downloads/b.whl"] = "0" * 64
    write_json(packed / "journey/manifest.json", manifest)
    with pytest.raises(SystemExit, match=r"b\.whl: sha256: found .*, expected 0000"):
        gpu_unpack.unpack(packed / "journey", packed / "there")
    assert not (packed / "there").exists()


@pytest.mark.parametrize("name", ["../evil", "/evil"])
def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    journey = tmp_path / "journey"
    journey.mkdir()
    with tarfile.open(journey / "part-01", "w") as archive:
        member = tarfile.TarInfo(name)
        member.size = 4
        archive.addfile(member, io.BytesIO(b"evil"))
    digests = {"part-01": sha256(journey / "part-01")}
    write_json(journey / "manifest.json", {"parts": digests, "files": {}, "revision": None})
    with pytest.raises(SystemExit, match="is not a file inside it"):
        gpu_unpack.unpack(journey, tmp_path / "there")
    assert not (tmp_path / "evil").exists()


def test_packages_that_are_there_in_the_range_are_not_packed(tmp_path: Path) -> None:
    nothing, some = tmp_path / "nothing", tmp_path / "some"
    nothing.write_text("")
    some.write_text("torch==2.11.0+cu130\ntransformers==4.0.0\nPyYAML==6.0.3\n")
    missing = gpu_pack.missing_packages(nothing, "3.12")
    names = {line.partition("==")[0] for line in missing}
    assert {"torch", "transformers", "pyyaml", "dvc", "pytest"} <= names
    assert not names & {"plait", "prefect", "mypy"}
    fewer = {line.partition("==")[0] for line in gpu_pack.missing_packages(some, "3.12")}
    assert not fewer & {"torch", "pyyaml"}
    assert "transformers" in fewer  # that one is too old


def test_unpacking_needs_python_alone(packed: Path) -> None:
    """`-I -S`: without the packages that are installed here."""
    script = REPOSITORY / "benchmarks/gpu_unpack.py"
    places = ["--journey", str(packed / "journey"), "--folder", str(packed / "there")]
    command = [sys.executable, "-I", "-S", str(script), *places]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (packed / "there/downloads/b.whl").stat().st_size == 3
