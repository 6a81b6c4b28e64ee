"""A digest of the code of a stage that comments, docstrings and error messages don't change.

DVC compares bytes: if a stage depended on source files, a changed comment would run it again. Here
the code of a stage is the syntax trees of all modules that it imports, directly or indirectly.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
LEFT_OUT = ("plait", "plait.errors", "plait.progress")
"""Modules that only print for people or name others: no output of a stage depends on them."""
TEMPLATES = "plait.pages.rendering"
"""A stage that imports this module also depends on the templates."""


def digest(module: str, approaches: Iterable[str] = (), methods: Iterable[str] = ()) -> str:
    """A line for each module that `module` imports: its sha256 and its name.

    Args:
        approaches: approaches that it loads through `plait.approaches.loading`.
        methods: methods that it loads through `plait.training.methods`.
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
    """All modules of plait that `module` imports, directly or indirectly, and their packages.

    Imports inside functions count; imports for the type checker only don't.

    Args:
        by_name: module → modules that it imports by a name that is known at run time only.
    """
    modules: set[str] = set()
    waiting = [module]
    while waiting:
        for name in _with_packages(waiting.pop()):
            if name not in modules and _file(name):
                modules.add(name)
                waiting += [*_imports(name), *(by_name or {}).get(name, ())]
    return modules


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
    for node in _executed(_tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in found if name.partition(".")[0] == PACKAGE.name)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all nodes below it, except code for the type checker only."""
    yield node
    checked = isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    for child in () if checked else ast.iter_child_nodes(node):
        yield from _executed(child)


@cache
def _of_module(module: str) -> str:
    """The sha256 of a module's code; empty if the module has none."""
    found = _normalised(_tree(module))
    return _sha256(repr(found).encode()) if found[1:] else ""


def _of_bytes(path: Path) -> str:
    return _sha256(path.read_bytes())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _normalised(value: Any) -> Any:
    """A syntax tree as lists, without docstrings and error messages; equal on every Python."""
    if isinstance(value, list):
        return [_normalised(each) for each in value if not _is_docstring(each)]
    if not isinstance(value, ast.AST):
        return repr(value)
    skipped = ("args", "keywords") if _is_error(value) else ("kind", "type_comment")
    parts = [(name, _normalised(v)) for name, v in ast.iter_fields(value) if name not in skipped]
    return [type(value).__name__, *(part for part in parts if part[1] not in ("None", []))]


def _is_docstring(node: Any) -> bool:
    """Whether a node is a docstring."""
    value = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_error(node: ast.AST) -> bool:
    """Whether a node constructs a `PlaitError`."""
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PlaitError"
