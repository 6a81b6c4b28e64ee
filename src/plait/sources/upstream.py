"""A file as its authors publish it, from a mirror folder or over https."""

import shutil
from pathlib import Path

from plait.errors import PlaitError
from plait.sources.archives import missing_member, tar_files
from plait.sources.base import MIRROR, InsidePath, Sha256, Source, downloads, mirror, verify
from plait.sources.download import download

PAUSE_SECONDS = 1.0


class Upstream(Source):
    """One file, at `path` of a mirror or at `url`; with `member`, `url` is a tar archive with it.

    `sha256` are the accepted digests of the file itself, not of the archive. If it is empty, the
    error names the digest found and `setting`, where the user pins it.
    """

    target: InsidePath
    path: InsidePath
    url: str
    member: InsidePath | None = None
    sha256: tuple[Sha256, ...] = ()
    setting: str = "sha256"

    def bring(self, folder: Path) -> None:
        target = folder / self.target
        origin = self._mirrored() or self._downloaded()
        if self.member and origin.name == self._archive_name():
            _extract(origin, self.member, target)
        else:
            shutil.copyfile(origin, target)
        try:
            verify(target, self.sha256, self._remedy(), origin)
        except PlaitError:
            self._forget(origin)
            raise

    def _archive_name(self) -> str:
        return self.url.rsplit("/", 1)[-1]

    def _download_path(self) -> Path:
        return downloads() / (self._archive_name() if self.member else Path(self.path).name)

    def _mirrored(self) -> Path | None:
        root = mirror()
        names = [self.path, self._archive_name()] if self.member else [self.path]
        found = [root / name for name in names if (root / name).is_file()] if root else []
        return found[0] if found else None

    def _downloaded(self) -> Path:
        kept = self._download_path()
        if not kept.exists():
            root = mirror()
            mirror_state = f"{MIRROR}={root} has no {self.path}" if root else f"{MIRROR} is not set"
            remedy = f"{mirror_state}. Check the network, or put the file into a mirror folder."
            download(self.url, kept, remedy, PAUSE_SECONDS)
        return kept

    def _forget(self, origin: Path) -> None:
        """Remove a download that differs from its pin, so that the next fetch downloads again."""
        if self.sha256 and origin == self._download_path():
            origin.unlink()

    def _remedy(self) -> str:
        if self.sha256:
            return (
                "Fetch again, or correct the mirror. If this is the file that you mean, add the "
                f"value found as `{self.setting}`."
            )
        return (
            f"No pin is known for {self.url}. Compare the file with what its authors publish, "
            f"then set `{self.setting}` to the value found."
        )


def _extract(archive: Path, member: str, target: Path) -> None:
    for name, stream in tar_files(archive):
        if name == member:
            with target.open("wb") as written:
                shutil.copyfileobj(stream, written, 1 << 20)
            return
    raise missing_member(archive, member)
