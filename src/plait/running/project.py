"""The project in the working folder, and its flows."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

from plait.errors import PlaitError


def root() -> Path:
    """The working folder.

    Raises:
        PlaitError: the working folder is not the top folder of a project.
    """
    folder = Path.cwd().resolve()
    if not (folder / "dvc.yaml").is_file():
        raise PlaitError(f"{folder}: no dvc.yaml here. Run plait in the project's top folder.")
    return folder


def flows(name: str) -> ModuleType:
    """Import `flows/NAME.py` of the project.

    The folder stays on the import path: a served flow's process imports it by name again.
    """
    folder = root() / "flows"
    if not (folder / f"{name}.py").is_file():
        raise PlaitError(f"{folder / name}.py: no such file. Restore it from the repository.")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return importlib.import_module(name)
