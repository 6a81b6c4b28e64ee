"""What the code imports is declared in pyproject.toml, and with it installed for every user."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return found["project"]


def name_of(requirement: str) -> str:
    """`PyYAML>=6` → `pyyaml`, as packaging normalises it."""
    (name,) = re.findall(r"^[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(path: Path) -> set[str]:
    """Third-party top-level modules that a file imports, inside functions, too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    tops = {name.partition(".")[0] for name in found}
    return tops - sys.stdlib_module_names - {"plait"}


def undeclared(folders: Sequence[str], requirements: Iterable[str]) -> list[str]:
    """`file: module` for each import that no requirement brings by itself."""
    declared = {name_of(requirement) for requirement in requirements}
    brings = packages_distributions()
    own = {path.stem for folder in folders for path in (ROOT / folder).rglob("*.py")}
    return sorted(
        f"{path.relative_to(ROOT)}: {module}"
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for module in imported(path) - own
        if not declared & set(map(name_of, brings.get(module, ())))
    )


def test_what_plait_imports_is_installed_with_it() -> None:
    """One format of exports has libraries of its own, and an error that names the extra."""
    extra = project()["optional-dependencies"]["export"]
    assert undeclared(["src", "flows"], [*project()["dependencies"], *extra]) == []
    known = project()["dependencies"]
    assert undeclared(["src", "flows"], known) == ["src/plait/exporting/scikit.py: skops"]


def test_what_tests_and_benchmarks_import_is_installed_for_development() -> None:
    extra = project()["optional-dependencies"]["dev"]
    assert undeclared(["tests", "benchmarks", "flows"], [*project()["dependencies"], *extra]) == []


@pytest.mark.parametrize("name", ["httpx", "jinja2", "pyyaml", "ruamel.yaml", "scikit-learn"])
def test_a_missing_line_is_found(name: str) -> None:
    rest = [each for each in project()["dependencies"] if name_of(each) != name_of(name)]
    assert undeclared(["src", "flows"], rest)


def test_every_range_has_a_lower_bound() -> None:
    """Without one a release may be taken that the code was never run with."""
    for requirement in project()["dependencies"]:
        assert ">=" in requirement, requirement


def test_no_dependency_is_declared_twice() -> None:
    extra = project()["optional-dependencies"]["dev"]
    names = [name_of(each) for each in [*project()["dependencies"], *extra]]
    assert sorted(names) == sorted(set(names))
