"""What a project's data come from, as a run would find it: at the last commit, or in the folder.

A run fetches what `datasets` in params.yaml names and pins, and reads what `dvc add` tracks.
`data.dvc` of a new project is neither: DVC writes it in the run, from what was fetched.
"""

import hashlib
from collections.abc import Hashable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml.error import YAMLError

from plait import strict_yaml
from plait.errors import PlaitError
from plait.experiment.loading import check
from plait.files import dump_json, sha256
from plait.registry.git import ask, git
from plait.running.arrivals import Version
from plait.sources.base import Source
from plait.sources.local import LocalFile, found_files

UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload", ".download", "~")
"""How names end of files that are being written."""
_PARAMS = "params.yaml"


class Origins:
    """The origins of the data of the project in `root`; `apart`: those of its last commit."""

    def __init__(self, root: Path, apart: bool) -> None:
        self._root, self._apart = root, apart
        self._declared: tuple[Hashable, Version, list[str]] = (None, {}, [])
        self._digests: dict[Path, tuple[Hashable, str]] = {}

    def glance(self) -> Hashable:
        """Differs when the data may differ; None while what declares them can't be read."""
        try:
            marked, _, paths = self._read()
            return marked, tuple((path, _stamps(self._root, path)) for path in paths)
        except (PlaitError, OSError, YAMLError):
            return None

    def version(self) -> Version:
        """The digest of each part of the data that is there; files that changed are read."""
        _, pins, paths = self._read()
        found = {path: _files(self._root, path) for path in paths}
        return {**pins, **{path: self._digest(files) for path, files in found.items() if files}}

    def _read(self) -> tuple[Hashable, Version, list[str]]:
        """A mark of what declares the data; its pins; the paths of files to look at."""
        mark = self._mark()
        if mark != self._declared[0]:
            pins, paths = self._committed() if self._apart else self._here()
            self._declared = mark, pins, sorted(paths)
        return self._declared

    def _mark(self) -> Hashable:
        if self._apart:
            return git(self._root, "rev-parse", "HEAD")
        return _stamp(self._root / _PARAMS), *map(_stamp, self._imports_here())

    def _committed(self) -> tuple[Version, set[str]]:
        """In the last commit git knows the content of files; others have absolute paths."""
        sources = _sources(git(self._root, "show", f"HEAD:./{_PARAMS}"))
        paths = set(_paths(sources))
        pins = dict(_pins(sources))
        tree = self._tree()
        for path in paths:
            if listed := [line for line, name in tree if _is_of(name, path)]:
                pins[path] = _hash("\n".join(listed))
        for _, name in tree:
            if name.endswith(".dvc"):
                found = _added(git(self._root, "show", f"HEAD:./{name}"))
                pins |= {out: _hash(dump_json(pin)) for out, pin in _outs(name, found)}
        return pins, {path for path in paths if Path(path).is_absolute()}

    def _tree(self) -> list[tuple[str, str]]:
        """Each file of the last commit: the line of git that has its content's hash, its name."""
        listed = git(self._root, "-c", "core.quotePath=false", "ls-tree", "-r", "HEAD")
        return [(line, line.partition("\t")[2]) for line in listed.splitlines()]

    def _here(self) -> tuple[Version, set[str]]:
        sources = _sources((self._root / _PARAMS).read_text(encoding="utf-8-sig"))
        paths = set(_paths(sources))
        for file in self._imports_here():
            name = file.relative_to(self._root).as_posix()
            paths |= {out for out, _ in _outs(name, _added(file.read_text(encoding="utf-8")))}
        return dict(_pins(sources)), paths

    def _imports_here(self) -> list[Path]:
        listed = (ask(self._root, "ls-files", "--", "*.dvc") or "").splitlines()
        found = {*(self._root / name for name in listed), *self._root.glob("*.dvc")}
        return sorted(path for path in found if path.is_file())

    def _digest(self, files: Mapping[str, Path]) -> str:
        return _hash(dump_json({name: self._of_file(file) for name, file in files.items()}))

    def _of_file(self, file: Path) -> str:
        stamp = _stamp(file)
        if self._digests.get(file, (None, ""))[0] != stamp:
            self._digests[file] = stamp, sha256(file)
        return self._digests[file][1]


def _sources(params: str) -> dict[str, list[Source]]:
    experiment = check(strict_yaml.parse(params), _PARAMS)
    return {name: reader.sources() for name, reader in experiment.datasets.items()}


def _pins(sources: Mapping[str, list[Source]]) -> Iterator[tuple[str, str]]:
    for name, found in sources.items():
        yield f"datasets.{name}", _hash(dump_json([s.model_dump(mode="json") for s in found]))


def _paths(sources: Mapping[str, list[Source]]) -> Iterator[str]:
    return (s.path for found in sources.values() for s in found if isinstance(s, LocalFile))


def _added(text: str) -> dict[str, Any]:
    """A .dvc file whose data a person pins; empty for one that DVC writes in a run."""
    found = strict_yaml.parse(text) or {}
    return {} if found.get("deps") and not found.get("frozen") else found


def _outs(name: str, found: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    folder = PurePosixPath(name).parent / found.get("wdir", ".")
    return ((str(folder / out["path"]), out) for out in found.get("outs", []))


def _is_of(name: str, path: str) -> bool:
    """Whether `path` names this file: itself, its folder, or by a pattern (perhaps too widely)."""
    wanted = PurePosixPath(path).as_posix()
    pattern = wanted.replace("**/", "*")
    return name == wanted or name.startswith(f"{wanted}/") or fnmatchcase(name, pattern)


def _files(root: Path, path: str) -> dict[str, Path]:
    """The files of a path by their names below it; none if it is missing."""
    try:
        found = found_files(str(root / path))
    except PlaitError:
        return {}
    return {name: file for name, file in found.items() if not file.name.endswith(UNFINISHED)}


def _stamps(root: Path, path: str) -> tuple[Hashable, ...]:
    return tuple((name, _stamp(file)) for name, file in _files(root, path).items())


def _stamp(file: Path) -> Hashable:
    found = file.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _hash(content: str | bytes) -> str:
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()
