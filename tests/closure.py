"""Which files of src/plait a module imports, directly or not (imports inside functions too)."""

import ast
from collections.abc import Iterable
from pathlib import Path

from plait.approaches.registry import APPROACHES

SOURCE = Path(__file__).parents[1] / "src"


def _file(module: str) -> Path | None:
    path = SOURCE.joinpath(*module.split("."))
    for found in (path.with_suffix(".py"), path / "__init__.py"):
        if found.is_file():
            return found
    return None


def _imports(path: Path, approaches: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            if node.module == "plait.approaches.loading":
                # It imports an approach by the name of its folder, when it is asked for one.
                found |= {f"plait.approaches.{name}" for name in approaches}
            if node.module == "plait.methods":
                found |= {f"plait.methods.{p.stem}" for p in (SOURCE / "plait/methods").iterdir()}
    return {name for name in found if name == "plait" or name.startswith("plait.")}


def _with_packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def closure(module: str, approaches: Iterable[str] = APPROACHES) -> set[Path]:
    """Files with code of the module, of its packages and of all that they import.

    `approaches` are those that it may ask `plait.approaches.loading` for.
    """
    seen: set[Path] = set()
    waiting = _with_packages(module)
    while waiting:
        path = _file(waiting.pop())
        if path is not None and path not in seen:
            seen.add(path)
            imported = _imports(path, approaches)
            waiting += [name for found in imported for name in _with_packages(found)]
    return {path for path in seen if _has_code(path)}


def _has_code(path: Path) -> bool:
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    return any(not isinstance(node, ast.Expr) for node in statements)
