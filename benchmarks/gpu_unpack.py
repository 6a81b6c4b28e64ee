"""Put the parts of gpu_pack.py together below .plait/gpu.

The sha256 of each part and file is checked. It needs Python alone: plait's packages are among the
files.
"""

import argparse
import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

PLAIT = Path(__file__).parents[1] / ".plait"


class Joined:
    """The parts, read as one stream."""

    def __init__(self, paths: list[Path]) -> None:
        self._chunks, self._rest = _chunks(paths), b""

    def read(self, size: int) -> bytes:
        """Up to so many bytes."""
        while len(self._rest) < size and (more := next(self._chunks, None)) is not None:
            self._rest += more
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


def _chunks(paths: list[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                yield chunk


def unpack(journey: Path, folder: Path) -> None:
    """Check the parts, unpack them beside `folder`, check each file, and put them in place.

    Raises:
        SystemExit: a part or file is missing or differs; all that are wrong are named.
    """
    if not (journey / "manifest.json").is_file():
        raise SystemExit(f"{journey / 'manifest.json'}: no such file. Carry it with the parts.")
    manifest = json.loads((journey / "manifest.json").read_text(encoding="utf-8"))
    check(journey, manifest["parts"], "Carry that part again.")
    fresh = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(fresh, ignore_errors=True)
    paths = [journey / name for name in sorted(manifest["parts"])]
    with tarfile.open(fileobj=Joined(paths), mode="r|") as archive:  # type: ignore[call-overload]
        for member in archive:
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts or not member.isfile():
                raise SystemExit(f"{journey}: member {member.name!r} is not a file inside it.")
            archive.extract(member, fresh, filter="data")
    check(fresh, manifest["files"], "Pack and carry the parts again.")
    for name in manifest["files"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (fresh / name).replace(folder / name)
    shutil.rmtree(fresh)
    (folder / "revision.txt").write_text(manifest["revision"] or "", encoding="utf-8")


def check(folder: Path, digests: Mapping[str, str], remedy: str) -> None:
    """Compare files with their digests.

    Raises:
        SystemExit: names all that differ.
    """
    wrong = []
    for name, expected in digests.items():
        found = _sha256(folder / name)
        if found != expected:
            wrong.append(f"{folder / name}: sha256: found {found}, expected {expected}. {remedy}")
    if wrong:
        raise SystemExit("\n".join(wrong))


def _sha256(path: Path) -> str:
    if not path.is_file():
        return "no such file"
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--journey", type=Path, default=PLAIT / "journey", help="the parts")
    made.add_argument("--folder", type=Path, default=PLAIT / "gpu", help="what they hold")
    options = made.parse_args()
    unpack(options.journey, options.folder)
    print(f"{options.folder}: unpacked and checked")


if __name__ == "__main__":
    main()
