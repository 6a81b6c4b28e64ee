"""Write entries of params.yaml: as text to paste, or into the file, whose comments stay."""

import io
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from plait import strict_yaml
from plait.errors import PlaitError
from plait.experiment.loading import check
from plait.files import atomic_write

Additions = Mapping[str, Mapping[str, Any]]
"""Section → name → entry."""
_ENTRY, _DEEP = 2, 10
"""Depth of an entry of a section, and one below which all is on one line."""
_SHORT = 80
_FLUSH_LIST = re.compile(r"^( *)[^ #-].*:[ ]*\n\1- ", re.MULTILINE)
"""A list that is not indented below its key."""


def as_text(additions: Additions) -> str:
    """The sections as YAML; entries that fit are one line."""
    return _dumped(_block(additions, 0))


def add(path: Path, additions: Additions) -> None:
    """Add entries to sections of a params.yaml; it is written whole or not at all.

    Raises:
        PlaitError: the file is missing or not YAML, an entry of that name is there already, or the
            result would have mistakes.
    """
    strict_yaml.read(path)  # its errors name the line
    before = path.read_text(encoding="utf-8-sig")
    found = _yaml(before).load(before)
    for section, entries in additions.items():
        _extend(found, section, entries, path)
    text = _dumped(found, before)
    _check(text, path)
    with atomic_write(path) as stream:
        stream.write(text.encode())


def _extend(found: Any, section: str, entries: Mapping[str, Any], path: Path) -> None:
    there = found.get(section) if isinstance(found, dict) else None
    if not there:
        found[section] = _block(entries, 1)
        return
    for name, entry in entries.items():
        if name in there:
            raise PlaitError(
                f"{path}: {section}.{name} is there already. Give another name with --name, or "
                "remove that entry."
            )
        there[name] = _block(entry, _ENTRY)


def _check(text: str, path: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / path.name
        copy.write_text(text, encoding="utf-8")
        check(strict_yaml.read(copy), str(path))


def _yaml(text: str = "") -> YAML:
    """Reads and writes with the list style of a file; others are indented by two."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # a line is never folded
    if not _FLUSH_LIST.search(text):
        yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _dumped(value: Any, like: str = "") -> str:
    stream = io.StringIO()
    _yaml(like).dump(value, stream)
    return stream.getvalue()


def _block(value: Any, depth: int) -> Any:
    """Entries of sections in block style; what is inside them on one line, where it fits."""
    if isinstance(value, Mapping):
        found = CommentedMap({key: _block(each, depth + 1) for key, each in value.items()})
        if depth > _DEEP or (depth >= _ENTRY and len(str(value)) <= _SHORT and not _lists(value)):
            found.fa.set_flow_style()
        return found
    if isinstance(value, list | tuple):
        listed = CommentedSeq([_block(each, _DEEP + 1) for each in value])
        if not any(isinstance(each, Mapping) for each in value):
            listed.fa.set_flow_style()
        return listed
    return value


def _lists(value: Mapping[str, Any]) -> bool:
    """Whether a setting is a list of mappings."""
    lists = (each for each in value.values() if isinstance(each, list | tuple))
    return any(isinstance(entry, Mapping) for each in lists for entry in each)
