"""Donors: where an intact copy of a damaged bundle or cached file may lie."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plait import bundle
from plait.experiment.set_aside import FOLDER
from plait.registry.git import ask
from plait.registry.origin import locked_outputs
from plait.registry.store import Registry
from plait.running.contents import Content, md5, tree

NO_COPY = "no intact copy is left"
SCRATCH = Path(".plait", "mending")


@contextmanager
def project(root: Path) -> Iterator[Any]:
    """The project as DVC sees it."""
    from dvc.repo import Repo

    with Repo(str(root), _wait_for_lock=True) as repo:
        yield repo


def bring(root: Path, candidate: str, digest: str) -> bool:
    """Bring a bundle into the registry from models/, from DVC's cache or from its remote.

    Returns:
        whether it is intact there now.
    """
    registry = Registry(root)
    for folder in [Path("models"), *_set_aside(root)]:
        if _give(registry, root / folder / candidate, digest):
            return True
    if not (root / ".dvc").is_dir():
        return False
    with project(root) as repo:
        return any(
            _give(registry, folder, digest)
            for oid in _versions(repo, root, candidate)
            for folder in _cached(repo, root, oid)
        )


def _set_aside(root: Path) -> list[Path]:
    return sorted(path.relative_to(root) / "models" for path in (root / FOLDER).glob("*"))


def _give(registry: Registry, folder: Path, digest: str) -> bool:
    if not folder.is_dir() or bundle.digest(folder) != digest:
        return False
    registry.add(folder)
    return True


def _versions(repo: Any, root: Path, candidate: str) -> Iterator[str]:
    """The content of models/CANDIDATE by all that is known: dvc.lock, its history, the cache."""
    seen: set[str] = set()
    for oid in (*_locked(root, candidate), *_in_cache(repo)):
        if oid not in seen:
            seen.add(oid)
            yield oid


def _locked(root: Path, candidate: str) -> Iterator[str]:
    """From the working tree's dvc.lock, then from the committed ones, newest first."""
    lock = root / "dvc.lock"
    texts = [lock.read_text(encoding="utf-8")] if lock.is_file() else []
    yield from _outs(texts, candidate)
    commits = (ask(root, "log", "--format=%H", "--", "dvc.lock") or "").split()
    yield from _outs((ask(root, "show", f"{each}:./dvc.lock") or "" for each in commits), candidate)


def _outs(locks: Any, candidate: str) -> Iterator[str]:
    for text in locks:
        for out in locked_outputs(text):
            if out["path"] == f"models/{candidate}" and "md5" in out:
                yield out["md5"]


def _in_cache(repo: Any) -> Iterator[str]:
    """Folders in the cache that hold a bundle."""
    odb = repo.cache.local
    for oid in odb.all():
        if oid.endswith(".dir") and bundle.CANDIDATE in entries(odb, oid):
            yield oid


def _cached(repo: Any, root: Path, oid: str) -> Iterator[Path]:
    """A folder as the cache has it, after what it lacks was fetched; nothing if it lacks more."""
    odb = repo.cache.local
    fetch(repo, [oid])
    files = entries(odb, oid)
    fetch(repo, [each for each in files.values() if not odb.exists(each)])
    if not files or not all(odb.exists(each) for each in files.values()):
        return
    folder = root / SCRATCH / str(os.getpid())
    try:
        for name, each in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(odb.oid_to_path(each))
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def entries(odb: Any, oid: str) -> dict[str, str]:
    """The files of a folder in the cache, path → md5; empty where it isn't there, or damaged."""
    path = Path(odb.oid_to_path(oid))
    if not path.is_file() or md5(path) != oid.removesuffix(".dir"):
        return {}
    return {entry["relpath"]: entry["md5"] for entry in json.loads(path.read_bytes())}


def fetch(repo: Any, oids: list[str]) -> None:
    """Fetch what the cache lacks from the remote, as far as one is configured and has it."""
    from dvc_data.hashfile.hash_info import HashInfo

    missing = [oid for oid in oids if not repo.cache.local.exists(oid)]
    if missing and repo.config["core"].get("remote"):
        repo.cloud.pull([HashInfo("md5", oid) for oid in missing])


def restock(repo: Any, root: Path, oid: str, content: Content | None) -> str:
    """Bring a file back into the cache: from the work folder, the registry, or the remote.

    Args:
        content: where the work folder should have it.

    Returns:
        why it can't; empty where the cache has it now, intact.
    """
    from dvc.fs import localfs

    odb = repo.cache.local
    for path in _copies(root, oid, content):
        odb.add(str(path), localfs, oid)
        break
    else:
        fetch(repo, [oid])
    path = Path(odb.oid_to_path(oid))
    if path.is_file() and md5(path) != oid.removesuffix(".dir"):
        lay_aside(root, path, Path("remote", oid))
        return f"the DVC remote's copy {oid} is damaged, too (remove it there, later `dvc push`)"
    return "" if path.is_file() else NO_COPY


def _copies(root: Path, oid: str, content: Content | None) -> Iterator[Path]:
    """Files that have the content, in the work folder or in the registry's bundles."""
    if content is None:
        return
    registry = Registry(root)
    folders = [content.out]
    if content.out.is_relative_to(root / "models"):
        folders += [registry.folder / "bundles" / digest for digest in registry.bundles()]
    for folder in folders:
        path = folder / content.name if content.name else folder
        if oid.endswith(".dir"):
            yield from _listing(root, folder, oid)
        elif path.is_file() and md5(path) == oid:
            yield path


def _listing(root: Path, folder: Path, oid: str) -> Iterator[Path]:
    """What the cache holds for a folder of that content: the list of its files."""
    if folder.is_dir() and (found := tree(folder)).hash_info.value == oid:
        path = root / SCRATCH / oid
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(found.as_bytes())
        yield path
        path.unlink(missing_ok=True)


def lay_aside(root: Path, path: Path, name: Path) -> None:
    """Move what is damaged to .plait/damaged/."""
    target = root / ".plait" / "damaged" / name
    if target.is_dir():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, target)
