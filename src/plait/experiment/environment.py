"""Packages whose version a training depends on, as the setting `environment` names them."""

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata

from plait.code import _executed, _tree, closure  # public names would change every digest
from plait.errors import PlaitError, did_you_mean


def versions(packages: Iterable[str], module: str, approach: str, methods: Iterable[str]) -> str:
    """A line for each package that `module` imports, directly or indirectly: version and name.

    The version is major.minor: a patch release trains nothing again.

    Args:
        packages: names of distributions, such as scikit-learn.
        approach, methods: what the module loads by name, as for `plait.code.digest`.

    Raises:
        PlaitError: a package is not installed.
    """
    by_name = {
        "plait.approaches.loading": [f"plait.approaches.{approach}"],
        "plait.training.methods": [f"plait.training.methods.{name}" for name in methods],
    }
    imported = {name for each in closure(module, by_name) for name in _foreign(each)}
    lines = []
    for package in sorted(packages):
        version = _version(package)
        if imported & _provided(package):
            lines.append(f"{'.'.join(version.split('.')[:2])}  {package}\n")
    return "".join(lines)


def _foreign(module: str) -> set[str]:
    """The top names of all that a module of plait imports."""
    found: set[str] = set()
    for node in _executed(_tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError as error:
        known = [each.name for each in metadata.distributions()]
        raise PlaitError(
            f"params.yaml: environment: found {package!r}, expected an installed package"
            f"{did_you_mean(package, known)}"
        ) from error


@cache
def _provided(package: str) -> set[str]:
    """The names under which a package is imported: sklearn for scikit-learn."""
    wanted = metadata.metadata(package)["Name"]
    return {name for name, found in _imported_from().items() if wanted in found}


@cache
def _imported_from() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()
