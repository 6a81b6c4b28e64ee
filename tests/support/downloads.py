"""A fresh folder of downloads; `kept` is a fixture for every test of a file that imports it."""

import hashlib
from pathlib import Path

import pytest


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh folder of downloads; no mirror, and no package index for pip but local folders."""
    folder = tmp_path / "downloads"
    monkeypatch.setenv("PLAIT_DOWNLOADS", str(folder))
    monkeypatch.delenv("PLAIT_MIRROR", raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setattr("plait.sources.upstream.PAUSE_SECONDS", 0.01)
    return folder
