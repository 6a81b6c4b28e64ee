"""Where an act came from: the revision, the environment, and who acted."""

import getpass
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from plait.files import sha256
from plait.machine import processor
from plait.registry.git import ask

PACKAGES = (
    "plait",
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "onnxruntime",
    "scikit-learn",
    "numpy",
    "datasets",
    "great-expectations",
    "dvc",
    "prefect",
)
"""What answers or scores may depend on."""


def stamp(root: Path) -> dict[str, Any]:
    """What each record says of where it came from: source, environment, who and time."""
    return {
        "source": source(root),
        "environment": environment(),
        "who": who(root),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def source(root: Path) -> dict[str, Any]:
    """Git revision, the altered files that no stage writes, sha256 of dvc.lock and params.yaml.

    `changed` is None outside of a git repository.
    """
    status = ask(root, "status", "--porcelain", "--untracked-files=no", "--no-renames", "-z", ".")
    paths = None if status is None else [line[3:] for line in status.split("\0") if line]
    prefix = ask(root, "rev-parse", "--show-prefix") or ""
    return {
        "revision": ask(root, "rev-parse", "HEAD"),
        "changed": None if paths is None else _of_people(root, paths, prefix),
        "dvc_lock": _sha256(root / "dvc.lock"),
        "params": _sha256(root / "params.yaml"),
    }


def environment() -> dict[str, Any]:
    """Versions of the packages that answers depend on, of Python, and the machine's kind."""
    return {
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "processor": processor(),
    }


def who(root: Path) -> str:
    """Git's user, or else the system's, at this machine."""
    name = ask(root, "config", "user.email") or ask(root, "config", "user.name")
    try:
        return f"{name or getpass.getuser()} ({platform.node()})"
    except (OSError, KeyError):  # a container without that user
        return f"unknown ({platform.node()})"


def _of_people(root: Path, paths: list[str], prefix: str) -> list[str]:
    """Of altered files those that neither a stage nor DVC writes."""
    locks = (root / "dvc.lock", root / "timings" / "dvc.lock")
    texts = [lock.read_text(encoding="utf-8") for lock in locks if lock.is_file()]
    written = {out["path"] for text in texts for out in locked_outputs(text)}
    found = [path.removeprefix(prefix) for path in paths]
    return sorted(path for path in found if Path(path).name != "dvc.lock" and path not in written)


def locked_outputs(text: str) -> Iterator[dict[str, Any]]:
    """The outputs in a dvc.lock; their paths start in the project's folder."""
    stages = (yaml.safe_load(text) or {}).get("stages") or {}
    for stage in stages.values():
        yield from stage.get("outs", [])


def _sha256(path: Path) -> str | None:
    return sha256(path) if path.is_file() else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
