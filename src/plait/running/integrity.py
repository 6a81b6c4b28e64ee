"""Integrity: what the disk altered in outputs and in DVC's cache, and what brings it back."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from plait import bundle
from plait.files import read_json
from plait.progress import Progress
from plait.registry.checking import Finding
from plait.registry.mending import Unmended
from plait.running.contents import Content, address, content_hash, md5
from plait.running.donors import NO_COPY, entries, fetch, lay_aside, restock


@dataclass
class Looked:
    """How much was read, for the summary."""

    files: int = 0
    size: int = 0
    outputs: int = 0


def check_cache(repo: Any, root: Path, looked: Looked) -> Iterator[Finding]:
    """Files in DVC's cache whose content isn't what their name says."""
    odb = repo.cache.local
    paths = {oid: Path(odb.oid_to_path(oid)) for oid in sorted(odb.all())}
    sizes = {oid: path.stat().st_size for oid, path in paths.items()}
    looked.files, looked.size = len(paths), sum(sizes.values())
    contents: dict[str, Content] | None = None
    with (
        Progress(looked.size, "DVC cache", "B", scale=True) as bar,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        for oid, found in zip(paths, pool.map(md5, paths.values()), strict=True):
            bar.update(sizes[oid])
            if found != oid.removesuffix(".dir"):
                contents = _contents(repo, root) if contents is None else contents
                yield _rotten(repo, root, oid, contents.get(oid))


def _contents(repo: Any, root: Path) -> dict[str, Content]:
    """Where the work folder has the files of the cache, by md5."""
    found = {}
    for out in _outs(repo):
        place = Path(out.fs_path)
        found[out.hash_info.value] = Content(place, address(out.stage, root))
        if out.hash_info.isdir:
            for name, oid in entries(repo.cache.local, out.hash_info.value).items():
                found[oid] = Content(place, address(out.stage, root), name)
    return found


def _outs(repo: Any) -> list[Any]:
    """Outputs in the lock files; not those of stages that always run."""
    return [
        out
        for out in repo.index.outs
        if out.hash_info and out.hash_info.name == "md5" and not out.stage.always_changed
    ]


def _rotten(repo: Any, root: Path, oid: str, content: Content | None) -> Finding:
    owner = f" of {os.path.relpath(content.out / content.name, root)}" if content else ""
    return Finding(
        Path(repo.cache.local.oid_to_path(oid)),
        f"the cached content{owner} was altered: DVC would restore it as if it were whole",
        mend=partial(_mend_cached, repo, root, oid, content),
    )


def _mend_cached(repo: Any, root: Path, oid: str, content: Content | None) -> str:
    lay_aside(root, Path(repo.cache.local.oid_to_path(oid)), Path("cache", oid))
    left = restock(repo, root, oid, content)
    if left and content:
        raise Unmended(f"{left}: `dvc repro {content.stage}` makes it again")
    return "moved aside; nothing here needs it" if left else "copied from an intact one"


def check_outputs(repo: Any, root: Path, looked: Looked) -> Iterator[Finding]:
    """Outputs that are there with another content than their lock file says."""
    outs = [out for out in _outs(repo) if Path(out.fs_path).exists()]
    looked.outputs = len(outs)
    intact = set()
    with Progress(len(outs), "outputs", "output") as bar:
        for out in outs:
            path = Path(out.fs_path)
            if content_hash(path) == out.hash_info.value:
                intact.add(path)
            else:
                yield _altered(repo, root, out)
            bar.update()
    yield from _measured_on_others(root, intact)


def _altered(repo: Any, root: Path, out: Any) -> Finding:
    path, file = Path(out.fs_path), Path(out.stage.path)
    lock = file.with_suffix(".lock") if file.name == "dvc.yaml" else file
    return Finding(
        path,
        f"its content isn't what {os.path.relpath(lock, root)} says",
        mend=partial(_mend_output, repo, root, out),
    )


def _mend_output(repo: Any, root: Path, out: Any) -> str:
    path, oid = Path(out.fs_path), str(out.hash_info.value)
    left = _restock_all(repo, root, out) if out.use_cache else NO_COPY
    lay_aside(root, path, path.relative_to(root))
    if out.use_cache and repo.cache.local.exists(oid):
        _check_out(repo, path)
        if path.exists() and content_hash(path) == oid:
            return "taken from an intact copy"
    raise Unmended(f"{left or NO_COPY}: `dvc repro {address(out.stage, root)}` makes it again")


def _restock_all(repo: Any, root: Path, out: Any) -> str:
    """Let the cache have all of an output; returns why it can't, where no intact copy is found."""
    odb, oid, path = repo.cache.local, str(out.hash_info.value), Path(out.fs_path)
    fetch(repo, [oid])
    left = (
        "" if odb.exists(oid) else restock(repo, root, oid, Content(path, address(out.stage, root)))
    )
    for name, each in entries(odb, oid).items() if out.hash_info.isdir else ():
        if not odb.exists(each):
            content = Content(path, address(out.stage, root), name)
            left = restock(repo, root, each, content) or left
    return left


def _check_out(repo: Any, path: Path) -> None:
    from dvc.exceptions import CheckoutError

    try:
        repo.checkout([str(path)], force=True)
    except CheckoutError:
        return


def _measured_on_others(root: Path, intact: set[Path]) -> Iterator[Finding]:
    """Candidates whose scores belong to another bundle than the one in models/."""
    for path in sorted(intact):
        details = root / "predictions" / path.name / "details.json"
        if path.parent == root / "models" and details.parent in intact and details.is_file():
            measured = read_json(details)["bundle"]
            found = bundle.digest(path)
            if found != measured:
                yield Finding(
                    path,
                    f"scores/{path.name}.json was measured on bundle {measured}, here is {found}",
                    f"`dvc repro benchmark@{path.name}`",
                )
