"""What a project's data come from: in the folder, and at the last commit."""

import os
from pathlib import Path

import pytest
import yaml

import projects
from incoming import declare
from plait.files import sha256
from plait.registry.git import git
from plait.running.origins import Origins

FILE, FOLDER = "files/tickets.csv", "shards"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "Change")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = projects.make(tmp_path / "project", {})
    write(root / FILE, "text,team\nhello,greeting\n")
    write(root / FOLDER / "1.csv", "text,team\nbye,greeting\n")
    declare(root, FILE, FOLDER)
    commit(root)
    return root


@pytest.fixture
def here(root: Path) -> Origins:
    return Origins(root, apart=False)


def changed(origins: Origins, before: dict[str, str]) -> list[str]:
    now = origins.version()
    return sorted(name for name in {*now, *before} if now.get(name) != before.get(name))


def test_a_file_and_a_folder_of_the_datasets_in_place(root: Path, here: Origins) -> None:
    glance, before = here.glance(), dict(here.version())
    assert {FILE, FOLDER} < set(before)
    assert here.glance() == glance
    write(root / FILE, "text,team\nhello,farewell\n")
    assert here.glance() != glance
    assert changed(here, before) == [FILE]
    write(root / FOLDER / "2.csv", "text,team\n")
    assert changed(here, before) == [FILE, FOLDER]


def test_only_a_file_whose_size_or_time_changed_is_read_again(root: Path, here: Origins) -> None:
    before, file = dict(here.version()), root / FILE
    was = file.stat()
    with file.open("r+") as stream:
        stream.write("TEXT")
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert changed(here, before) == []
    os.utime(file)
    assert changed(here, before) == [FILE]


def test_a_file_touched_without_a_change_is_the_same_version(root: Path, here: Origins) -> None:
    glance, before = here.glance(), dict(here.version())
    os.utime(root / FILE)
    assert here.glance() != glance
    assert changed(here, before) == []


@pytest.mark.parametrize("name", ["2.csv.part", "2.csv.partial", "2.csv.crdownload", ".2.csv"])
def test_a_name_of_an_unfinished_file_is_not_looked_at(
    root: Path, here: Origins, name: str
) -> None:
    glance, before = here.glance(), dict(here.version())
    write(root / FOLDER / name, "half of")
    assert here.glance() == glance
    assert changed(here, before) == []
    (root / FOLDER / name).rename(root / FOLDER / "2.csv")
    assert changed(here, before) == [FOLDER]


def test_another_pin_is_another_version_and_another_setting_is_not(
    root: Path, here: Origins
) -> None:
    before = dict(here.version())
    declare(root, FILE, FOLDER, encoding="utf-8", limit={"train": 10})
    assert changed(here, before) == []
    (root / "params.yaml").write_text(
        (root / "params.yaml").read_text().replace("0" * 64, "1" * 64)
    )
    assert changed(here, before) == ["datasets.set0", "datasets.set1"]


def test_a_missing_file_is_no_part_and_broken_settings_are_no_look(
    root: Path, here: Origins
) -> None:
    (root / FILE).unlink()
    assert here.glance() is not None
    assert FILE not in here.version()
    (root / "params.yaml").write_text("datasets: [")
    assert here.glance() is None


def test_what_dvc_add_tracks_in_place(root: Path, here: Origins) -> None:
    write(root / "data" / "a.csv", "one")
    projects.dvc(root, "add", "--quiet", "data")
    before = dict(here.version())
    assert "data" in before
    write(root / "data" / "b.csv", "two")
    assert changed(here, before) == ["data"]


@pytest.mark.parametrize("apart", [True, False])
def test_what_a_run_pins_itself_is_no_origin(root: Path, apart: bool) -> None:
    """As the data.dvc of a new project: an import of what a stage fetched."""
    found = {"deps": [{"path": "fetched/data"}], "outs": [{"path": "data", "md5": "1" * 32}]}
    write(root / "data" / "a.csv", "one")
    (root / "data.dvc").write_text(yaml.safe_dump(found))
    commit(root)
    assert "data" not in Origins(root, apart).version()


def test_only_a_commit_changes_the_data_of_runs_apart(root: Path) -> None:
    apart = Origins(root, apart=True)
    glance, before = apart.glance(), dict(apart.version())
    assert {FILE, FOLDER} < set(before)
    write(root / FILE, "text,team\nhello,farewell\n")
    write(root / FOLDER / "2.csv", "text,team\n")
    assert apart.glance() == glance
    commit(root)
    assert apart.glance() != glance
    assert changed(apart, before) == [FILE, FOLDER]


def test_a_commit_of_something_else_changes_no_data(root: Path) -> None:
    apart = Origins(root, apart=True)
    before = dict(apart.version())
    write(root / "scores" / "a.csv", "1")
    commit(root)
    assert changed(apart, before) == []


def test_a_pattern_at_the_top_is_the_files_that_it_names(root: Path) -> None:
    declare(root, "**/*.csv")
    commit(root)
    apart = Origins(root, apart=True)
    before = dict(apart.version())
    write(root / "notes.txt", "1")
    commit(root)
    assert changed(apart, before) == []
    write(root / "deep" / "er" / "3.csv", "1")
    commit(root)
    assert changed(apart, before) == ["**/*.csv"]


def test_a_version_of_dvc_add_and_a_file_elsewhere_for_runs_apart(
    root: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.csv"
    write(elsewhere, "text,team\n")
    declare(root, str(elsewhere))
    write(root / "data" / "a.csv", "one")
    projects.dvc(root, "add", "--quiet", "data")
    commit(root)
    apart = Origins(root, apart=True)
    before = dict(apart.version())
    assert {"data", str(elsewhere)} < set(before)
    assert before[str(elsewhere)] != sha256(elsewhere)
    write(elsewhere, "text,team\nhello,greeting\n")
    write(root / "data" / "b.csv", "two")
    projects.dvc(root, "add", "--quiet", "data")
    assert changed(apart, before) == [str(elsewhere)]
    commit(root)
    assert changed(apart, before) == [str(elsewhere), "data"]
