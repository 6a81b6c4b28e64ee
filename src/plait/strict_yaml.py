"""Read YAML 1.2 as DVC does, and refuse repeated keys."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from plait.errors import PlaitError


def read(path: Path) -> Any:
    """The value of a YAML file; None for an empty one.

    Raises:
        PlaitError: the file is missing, not UTF-8 or not YAML, or repeats a key; names the line.
    """
    if not path.is_file():
        raise PlaitError(f"{path}: no such file")
    text = _text(path)
    try:
        return YAML(typ="safe", pure=False).load(text)
    except MarkedYAMLError as error:
        raise PlaitError(_where(path, error) + _what(text, error)) from error
    except YAMLError as error:
        first, *_ = str(error).splitlines()
        raise PlaitError(f"{path}: not readable as YAML: {first}") from error


def parse(text: str) -> Any:
    """The value of a short YAML text.

    Raises:
        YAMLError: it is not YAML.
    """
    return YAML(typ="safe", pure=False).load(text)


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PlaitError(
            f"{path}, line {line}: found byte 0x{data[error.start]:02x}, expected UTF-8; "
            "save the file as UTF-8"
        ) from error


def _where(path: Path, error: MarkedYAMLError) -> str:
    if error.problem_mark is None:
        return f"{path}: "
    return f"{path}, line {error.problem_mark.line + 1}: "


def _what(text: str, error: MarkedYAMLError) -> str:
    problem = error.problem or error.context or "not readable as YAML"
    if isinstance(error, DuplicateKeyError):
        key = problem.partition('"')[2].partition('"')[0]
        return f"found the key {key!r} a second time in one section; keep one of them"
    line = text.splitlines()[error.problem_mark.line :][:1] if error.problem_mark else []
    if line and "\t" in line[0][: len(line[0]) - len(line[0].lstrip())]:
        return "found a tab at the line's beginning; YAML is indented with spaces"
    return f"not readable as YAML: {problem}"
