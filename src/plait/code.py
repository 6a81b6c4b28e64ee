"""Which code a stage runs, and a digest of it that comments, docstrings and messages don't change.

DVC compares bytes: where a stage depends on source files, a comment in one of them runs it again.
Here the code of a stage is the syntax trees of all modules that it imports, directly or not.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
LEFT_OUT = ("plait.errors", "plait.progress")
"""What they do is said to a person: no output of a stage depends on it."""
TEMPLATES = "plait.pages.rendering"
"""Whoever imports this module fills templates, so they are code, too."""


def digest(module: str, approaches: Iterable[str] = (), methods: Iterable[str] = ()) -> str:
    """A line for each module that `module` runs: its sha256 and its name.

    Args:
        approaches: those that it may ask `plait.approaches.loading` for.
        methods: those that it may ask `plait.training.methods` for.
    """
    by_name = {
        "plait.approaches.loading": [f"plait.approaches.{name}" for name in approaches],
        "plait.training.methods": [f"plait.training.methods.{name}" for name in methods],
    }
    names = sorted(closure(module, by_name) - set(LEFT_OUT))
    lines = [(_of_module(name), name) for name in names]
    if TEMPLATES in names:
        lines += [(_of_bytes(path), path.name) for path in sorted(PACKAGE.glob("**/templates/*"))]
    return "".join(f"{value}  {name}\n" for value, name in lines if value)


def closure(module: str, by_name: Mapping[str, Sequence[str]] | None = None) -> set[str]:
    """The modules of plait that `module` imports, directly or not, with the packages around them.

    Imports inside functions count, those for the type checker alone don't.

    Args:
        by_name: module → modules that it imports by a name that only a run knows.
    """
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        for name in _with_packages(waiting.pop()):
            if name not in seen and _file(name):
                seen.add(name)
                waiting += [*_imports(name), *(by_name or {}).get(name, ())]
    return seen


def _with_packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


@cache
def _file(module: str) -> Path | None:
    path = PACKAGE.parent.joinpath(*module.split("."))
    found = (path.with_suffix(".py"), path / "__init__.py")
    return next(filter(Path.is_file, found), None)


@cache
def _tree(module: str) -> ast.Module:
    path = _file(module)
    return ast.parse(path.read_bytes() if path else b"")


@cache
def _imports(module: str) -> frozenset[str]:
    found: set[str] = set()
    for node in _run(_tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in found if name.partition(".")[0] == PACKAGE.name)


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """A node and those below it, but for what only the type checker reads."""
    yield node
    checked = isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    for child in () if checked else ast.iter_child_nodes(node):
        yield from _run(child)


@cache
def _of_module(module: str) -> str:
    """The sha256 of a module's code; empty for one without any."""
    found = _folded(_tree(module))
    return _sha256(repr(found).encode()) if found[1:] else ""


def _of_bytes(path: Path) -> str:
    return _sha256(path.read_bytes())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _folded(value: Any) -> Any:
    """A syntax tree as lists, less docstrings and the words of errors; equal on every Python."""
    if isinstance(value, list):
        return [_folded(each) for each in value if not _is_said(each)]
    if not isinstance(value, ast.AST):
        return repr(value)
    skipped = ("args", "keywords") if _is_error(value) else ("kind", "type_comment")
    parts = [(name, _folded(v)) for name, v in ast.iter_fields(value) if name not in skipped]
    return [type(value).__name__, *(part for part in parts if part[1] not in ("None", []))]


def _is_said(node: Any) -> bool:
    """A docstring, of whatever it may be."""
    value = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_error(node: ast.AST) -> bool:
    """A call that makes the error that a user reads."""
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PlaitError"
