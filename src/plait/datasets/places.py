"""Where the files of a reader lie in its raw folder, what the user calls them, and their ids."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from glob import has_magic
from pathlib import Path, PurePosixPath

from plait.datasets.formats.opening import plain_suffix
from plait.datasets.hub_card import CARD, without_about
from plait.datasets.splits import split_in_name
from plait.datasets.table_files import FORMATS
from plait.datasets.text_files import open_raw
from plait.errors import PlaitError
from plait.sources.local import found_files, pattern_root
from plait.tasks import Split

HUB_FILES = tuple(
    f"*{suffix}{packed}"
    for suffix in (".parquet", ".csv", ".tsv", ".jsonl", ".ndjson")
    for packed in ("", ".gz", ".zst")
)
"""The data files of a data set on the Hub; other JSON files there describe it."""


@dataclass(frozen=True)
class Place:
    """A raw file: its path, what errors call it, its name in the raw folder, its split if given.

    `card` is the README.md of the folder that it was brought with.
    """

    path: Path
    shown: Path
    name: str
    split: Split | None
    card: Path | None = None


def targets(paths: Sequence[str]) -> dict[str, str]:
    """Path of the user → name in the raw folder: the last part, or all if two last parts agree."""
    short = {path: _plain(PurePosixPath(path).name) for path in paths}
    if len(set(short.values())) == len(short):
        return short
    return {path: _plain(posixpath.normpath(path)) for path in paths}


def _plain(path: str) -> str:
    """A relative path without wildcards; `_` is the folder above."""
    parts = [part for part in PurePosixPath(path).parts if part != "/"]
    return "/".join("_" if part == ".." else re.sub(r"[*?\\[\\]]", "_", part) for part in parts)


def local_places(folder: Path, splits: Mapping[str, Split | None]) -> list[Place]:
    """The files that `plait.sources.LocalFile` brought."""
    named = targets(list(splits))
    return [place for path in splits for place in _brought(folder, path, named[path], splits[path])]


def _brought(folder: Path, path: str, target: str, split: Split | None) -> Iterator[Place]:
    if not (folder / target).is_dir():
        yield Place(open_raw(folder, target), Path(path), target, split)
        return
    root, card = pattern_root(path), folder / target / CARD
    for name, found in without_about(found_files(str(folder / target))).items():
        yield Place(found, root / name, f"{target}/{name}", split, card)


def hub_places(folder: Path, repo: str, splits: Mapping[str, Split | None]) -> list[Place]:
    """The files that `plait.sources.Hub` brought; without settings, those that name a split."""
    there = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    if not splits:
        return list(_named_splits(folder, repo, there))
    found = []
    for path, split in splits.items():
        pattern = hub_pattern(path)
        names = [name for name in there if fnmatch(name, pattern)] or [path]
        found += [Place(open_raw(folder, name), Path(repo, name), name, split) for name in names]
    return found


def hub_pattern(path: str) -> str:
    """The pattern of a path in a data set: a name without a suffix is a folder."""
    return path if has_magic(path) or PurePosixPath(path).suffix else f"{path}/*"


def _named_splits(folder: Path, repo: str, names: Sequence[str]) -> Iterator[Place]:
    data = [name for name in names if plain_suffix(name) in FORMATS]
    unsure = [name for name in data if split_in_name(name) is None]
    folders = {posixpath.dirname(name) for name in data}
    if unsure or len(folders) > 1:
        raise PlaitError(
            f"{repo}: which files are train, dev and test is not clear from their names: "
            f"{', '.join(data[:10])}. Name them in `files`, each with its `split`."
        )
    for name in data:
        yield Place(folder / name, Path(repo, name), name, split_in_name(name))


def prefixes(places: Sequence[Place]) -> dict[Place, str]:
    """Place → beginning of its rows' ids: the file's stem, or its path if two stems agree."""
    stems = {place: PurePosixPath(place.name).stem for place in places}
    if len(set(stems.values())) == len(stems):
        return stems
    return {place: place.name for place in places}
