"""Snapshots of the Hub: safe files of one commit, and a refusal of all else."""

import json
from fnmatch import fnmatch
from pathlib import Path

import pytest
from pydantic import ValidationError
from transformers import TokenizersBackend
from transformers.models.auto.tokenization_auto import (
    TOKENIZER_MAPPING_NAMES,
    tokenizer_class_from_name,
)

from downloads import digest, kept, names
from plait.errors import PlaitError
from plait.sources import Hub
from plait.sources.hub import SAFE_FILES
from servers import Shelf, serve

__all__ = ["kept"]

REVISION = "a" * 40
MODEL = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"{}"}


def hub_shelf(files: dict[str, bytes]) -> Shelf:
    """The parts of the Hub's interface that a snapshot is fetched through."""
    listing = {"id": "own/tiny", "sha": REVISION, "siblings": [{"rfilename": n} for n in files]}
    shelf = Shelf({f"/own/tiny/resolve/{REVISION}/{n}": c for n, c in files.items()})
    shelf.files[f"/api/models/own/tiny/revision/{REVISION}"] = json.dumps(listing).encode()
    entries = [
        {"type": "file", "path": n, "size": len(c), "oid": digest(c)[:40]} for n, c in files.items()
    ]
    shelf.files[f"/api/models/own/tiny/tree/{REVISION}"] = json.dumps(entries).encode()
    shelf.headers = lambda path: {
        "X-Repo-Commit": REVISION,
        "ETag": f'"{digest(path.encode())[:40]}"',
        "Content-Type": "application/json",
    }
    return shelf


def test_hub_snapshot_takes_safe_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {**MODEL, "spm.model": b"vocabulary", "added_tokens.json": b"{}"}
    unsafe = {"pytorch_model.bin": b"pickle", "modeling_tiny.py": b"code", "README.md": b""}
    with serve(hub_shelf({**wanted, **unsafe})) as shelf:
        monkeypatch.setenv("HF_ENDPOINT", shelf.url)
        Hub(repo="own/tiny", revision=REVISION).fetch(tmp_path / "here")
    assert names(tmp_path / "here") == sorted(wanted)
    assert (tmp_path / "here" / "model.safetensors").read_bytes() == b"weights"
    assert not [path for path in shelf.asked if path.endswith((".bin", ".py"))]


def test_every_file_of_a_fast_tokenizer_is_fetched() -> None:
    """Those that transformers' classes name; without its vocabulary a tokenizer knows no word."""
    known = set(filter(None, TOKENIZER_MAPPING_NAMES.values()))
    classes = [found for name in sorted(known) if (found := tokenizer_class_from_name(name))]
    fast = [found for found in classes if issubclass(found, TokenizersBackend)]
    assert len(fast) > 40
    names = {name for each in fast for name in each.vocab_files_names.values()}
    names |= {"tekken.json", "tiktoken.model", "added_tokens.json", "special_tokens_map.json"}
    names |= {"tokenizer.4.0.0.json", "chat_template.jinja", "additional_chat_templates/rag.jinja"}
    assert {"spm.model", "spiece.model", "sentencepiece.bpe.model"} <= names
    assert [name for name in sorted(names) if not safe(name)] == []


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "tokenizer.pkl", "tokenizer.py", "spm.model.py", "vocab.pt"]
)
def test_pickles_and_code_are_not_fetched(name: str) -> None:
    assert not safe(name)


def safe(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in SAFE_FILES)


def test_hub_model_without_safetensors_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(hub_shelf({"config.json": b"{}", "pytorch_model.bin": b"pickle"})) as shelf:
        monkeypatch.setenv("HF_ENDPOINT", shelf.url)
        with pytest.raises(PlaitError, match=r"has no \*.safetensors .*Pickled weights are never"):
            Hub(repo="own/tiny", revision=REVISION).fetch(tmp_path / "here")
    assert names(tmp_path / "here") == []


def test_hub_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Shelf({})) as shelf:
        monkeypatch.setenv("HF_ENDPOINT", shelf.url)
        with pytest.raises(PlaitError) as caught:
            Hub(repo="own/tiny", revision=REVISION).fetch(tmp_path / "here")
    message = str(caught.value)
    assert f"model own/tiny at {REVISION}: could not be fetched from the Hub" in message
    assert f"put the files into PLAIT_MIRROR/hub/own/tiny/{REVISION}/" in message


def test_hub_from_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIT_MIRROR", str(tmp_path / "mirror"))
    folder = tmp_path / "mirror" / "hub" / "own" / "tiny" / REVISION
    folder.mkdir(parents=True)
    for name, content in {**MODEL, "pytorch_model.bin": b"pickle"}.items():
        (folder / name).write_bytes(content)
    source = Hub(repo="own/tiny", revision=REVISION)
    source.fetch(tmp_path / "here")
    assert names(tmp_path / "here") == sorted(MODEL)
    pinned = source.model_copy(update={"sha256": {"model.safetensors": "0" * 64}})
    with pytest.raises(PlaitError, match=f"sha256 is {digest(b'weights')}, expected {'0' * 64}"):
        pinned.fetch(tmp_path / "there")


@pytest.mark.parametrize("revision", ["main", "v1.0", "a" * 39, "A" * 40])
def test_hub_takes_commits_alone(revision: str) -> None:
    with pytest.raises(ValidationError, match="revision"):
        Hub(repo="own/tiny", revision=revision)


def test_hub_refuses_patterns_of_unsafe_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(hub_shelf({**MODEL, "evil.py": b"code"})) as shelf:
        monkeypatch.setenv("HF_ENDPOINT", shelf.url)
        with pytest.raises(PlaitError, match=r"evil.py may hold code or pickles. Leave it out"):
            Hub(repo="own/tiny", revision=REVISION, files=("*",)).fetch(tmp_path / "here")
