"""Files, folders, patterns and data sets of the Hub: what is read, and the ids of its rows."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from pydantic import ValidationError

from datasets import ClassLabel, Dataset, Features, Value
from plait.datasets.table import Table
from plait.errors import PlaitError
from plait.sources import LocalFile
from plait.sources.local import pin
from plait.tasks import Row

HUB = {"repo": "own/rows", "revision": "b" * 40, "type": "dataset"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, *texts: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = [{"text": text, "label": "x"} for text in texts]
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(values), path)
    elif path.suffix == ".csv":
        path.write_text("\n".join(["text,label", *(f"{text},x" for text in texts)]))
    else:
        path.write_text("".join(json.dumps(value) + "\n" for value in values))


def read(files: list[dict[str, Any]], **settings: Any) -> list[tuple[str, Row]]:
    """Fetch with the right pins, and read."""
    pinned = [{"sha256": pin(file["path"]), **file} for file in files]
    reader = Table.model_validate({"files": pinned, "labels": {"topic": "label"}, **settings})
    for source in reader.sources():
        source.fetch(Path("raw"))
    return list(reader.read(Path("raw"), 0))


def ids(rows: list[tuple[str, Row]]) -> dict[str, str]:
    return {row.id: row.text for _, row in rows}


@pytest.mark.parametrize(
    "paths",
    [
        ["en/train.jsonl", "de/train.jsonl"],
        ["a.csv", "a.jsonl"],
        ["../en/a.csv", "en/a.csv"],
        ["en/a.csv", "en_a.csv", "en/b/a.csv"],
        ["train.csv", "train-000001.csv"],
    ],
)
def test_made_ids_never_collide(
    tmp_path: Path, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    for path in paths:
        write(Path(path), f"first of {path}", f"second of {path}")
    files = [{"path": path, "split": "heldout"} for path in paths]
    assert len(ids(read(files))) == 2 * len(paths)
    absolute = [{**file, "path": str(Path(file["path"]).resolve())} for file in files]
    assert len(ids(read(absolute))) == 2 * len(paths)


def test_one_file_named_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="a file is named twice; name it once"):
        Table.model_validate(
            {"files": [{"path": "a.csv"}, {"path": "./a.csv"}], "labels": {"topic": "label"}}
        )


@pytest.mark.parametrize("path", ["shards", "shards/", "shards/*.parquet", "**/part-*"])
def test_folders_and_patterns(project: Path, path: str) -> None:
    for number in (2, 1, 10):
        write(project / f"shards/deep/part-{number:02d}.parquet", f"text {number}")
    path = path.replace("*.parquet", "**/*.parquet")
    (project / "shards/_SUCCESS").touch()
    (project / "shards/.part-01.parquet.crc").touch()
    rows = read([{"path": path, "split": "heldout"}])
    assert ids(rows) == {
        "part-01-000001": "text 1",
        "part-02-000001": "text 2",
        "part-10-000001": "text 10",
    }


def test_shards_with_one_name_have_the_ids_of_their_paths(project: Path) -> None:
    for part in ("en", "de"):
        write(project / part / "train.jsonl", part)
        write(project / part / "test.jsonl", part)
    rows = read([{"path": "*/train.jsonl", "split": "train"}, {"path": "*/test.jsonl"}])
    assert sorted(ids(rows)) == [
        *("test.jsonl/de/test.jsonl-000001", "test.jsonl/en/test.jsonl-000001"),
        *("train.jsonl/de/train.jsonl-000001", "train.jsonl/en/train.jsonl-000001"),
    ]


def test_a_shard_more_or_less_changes_the_pin(project: Path) -> None:
    write(project / "shards/a.csv", "one")
    (source,) = Table.model_validate(
        {"files": [{"path": "shards", "sha256": pin("shards")}], "labels": {"topic": "label"}}
    ).sources()
    assert isinstance(source, LocalFile)
    source.fetch(project / "raw")
    write(project / "shards/b.csv", "two")
    with pytest.raises(PlaitError, match=rf"shards: sha256 is {pin('shards')}, expected .*files.0"):
        source.fetch(project / "raw")


@pytest.mark.parametrize("path", ["nothing", "nothing/*.csv", "empty"])
def test_no_file(project: Path, path: str) -> None:
    (project / "empty").mkdir()
    source = LocalFile(path=path, target="rows")
    with pytest.raises(PlaitError, match=r"no such file .looked in .*Correct the path"):
        source.fetch(project / "raw")


def test_errors_name_the_path_of_the_user(project: Path) -> None:
    (project / "shards").mkdir()
    (project / "shards/a.csv").write_text("text,label\nhi,x\n")
    (project / "shards/b.csv").write_text("text,label\nhi\n")
    for path in ("shards", "shards/*.csv", "shards/b.csv", "../" + project.name + "/shards/b.csv"):
        with pytest.raises(PlaitError) as caught:
            read([{"path": path}])
        parent = path.removesuffix("/*.csv").removesuffix("/b.csv")
        assert str(caught.value).startswith(f"{parent}/b.csv, line 2: found 1 cells, expected 2")


def test_names_of_splits_as_people_write_them(project: Path) -> None:
    names = ["Train", "TRAIN ", "val", "Valid", "Test", "testing", "held-out", "dev"]
    lines = [f"text {i},x,{name}" for i, name in enumerate(names)]
    (project / "rows.csv").write_text("\n".join(["text,label,part", *lines]))
    found = Counter(split for split, _ in read([{"path": "rows.csv"}], split="part"))
    assert found == {"train": 2, "dev": 3, "heldout": 3}
    for name, split in (("Test", "heldout"), ("val", "dev"), ("Train", "train")):
        (row, *_) = read([{"path": "rows.csv", "split": name}])
        assert row[0] == split
    (project / "rows.csv").write_text("text,label,part\nhi,x,tset\n")
    with pytest.raises(
        PlaitError, match=r"rows.csv, line 2: column 'part': found 'tset', expected"
    ):
        read([{"path": "rows.csv"}], split="part")
    with pytest.raises(ValidationError, match="found 'tset', expected one of train"):
        read([{"path": "rows.csv", "split": "tset"}])


def hub(folder: Path, **settings: Any) -> list[tuple[str, Row]]:
    reader = Table.model_validate({"hub": HUB, "labels": {"topic": "label"}, **settings})
    for source in reader.sources():
        source.fetch(folder / "raw")
    return list(reader.read(folder / "raw", 0))


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a data set in a mirror of the Hub."""
    monkeypatch.setenv("PLAIT_MIRROR", str(tmp_path))
    folder = tmp_path / "hub" / "own" / "rows" / ("b" * 40)
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("# rows")
    (folder / "dataset_infos.json").write_text("{}")
    return folder


def test_a_data_set_by_its_name(published: Path, tmp_path: Path) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    (published / "data").mkdir()
    for split, count in (("train", 6), ("validation", 2), ("test", 3)):
        content = {"text": [f"{split} {i}" for i in range(count)], "label": [1] * count}
        data = Dataset.from_dict(content, features=features)
        data.to_parquet(published / f"data/{split}-00000-of-00001.parquet")
    rows = hub(tmp_path)
    assert Counter(split for split, _ in rows) == {"train": 6, "dev": 2, "heldout": 3}
    assert {row.labels["topic"] for _, row in rows} == {"yes"}
    assert rows[0][1].id == "test-00000-of-00001-000001"


@pytest.mark.parametrize(
    "names",
    [["train.csv", "unsupervised.csv"], ["en/train.csv", "de/train.csv"], ["all.parquet"]],
)
def test_a_data_set_whose_names_are_unclear(
    published: Path, tmp_path: Path, names: list[str]
) -> None:
    for name in names:
        write(published / name, "text")
    with pytest.raises(
        PlaitError, match=r"own/rows: which files are train, .*Name them in `files`"
    ):
        hub(tmp_path)
    files = [{"path": name, "split": "heldout"} for name in names]
    assert len(hub(tmp_path, files=files)) == len(names)


@pytest.mark.parametrize("path", ["data", "data/*.jsonl", "data/train-*"])
def test_folders_and_patterns_of_a_data_set(published: Path, tmp_path: Path, path: str) -> None:
    for number in (1, 2):
        write(published / f"data/train-{number}.jsonl", f"text {number}")
    write(published / "other/train-3.jsonl", "text 3")
    assert ids(hub(tmp_path, files=[{"path": path, "split": "heldout"}])) == {
        "train-1-000001": "text 1",
        "train-2-000001": "text 2",
    }
    (published / "data/train-2.jsonl").write_text('{"text": 5}')
    with pytest.raises(PlaitError, match=r"^own/rows/data/train-2.jsonl, line 1: column 'text'"):
        hub(tmp_path, files=[{"path": path, "split": "heldout"}])
