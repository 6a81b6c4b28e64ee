"""The house: imports run down, each room says what goes in and out, nothing grows too large."""

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import projects
from plait.code import PACKAGE

ROOT = projects.REPOSITORY
SOURCES = [*PACKAGE.rglob("*.py"), *(ROOT / "flows").glob("*.py")]
PACKAGES = sorted(path.parent for path in PACKAGE.rglob("__init__.py"))


def test_imports_run_down_the_house_and_never_in_a_circle() -> None:
    """The layers stand in pyproject.toml."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 kept, 0 broken" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_every_package_says_what_it_is(package: Path) -> None:
    said = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    assert said
    assert len(said.split()) > 5


def lengths() -> list[int]:
    """Lines of each function."""
    return sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_functions_are_small() -> None:
    found = lengths()
    assert len(found) > 1000
    assert statistics.median(found) <= 10
    assert found[int(0.9 * len(found))] <= 30
    assert found[-1] <= 60


def test_files_are_small() -> None:
    files = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    long = {str(path): n for path in files if (n := len(path.read_text().splitlines())) > 400}
    assert long == {}
