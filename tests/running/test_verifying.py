"""Verify: one flipped bit anywhere is found by name, and the command that is named mends it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import projects
from plait import bundle
from plait.cli import app
from plait.errors import PlaitError
from plait.files import read_json
from plait.registry.acts import rollback
from plait.registry.records import Record
from plait.registry.store import Registry
from plait.running.contents import md5
from plait.running.donors import bring
from plait.running.verifying import verify
from registries import flip

STAGES: dict[str, object] = {
    "train": {
        "foreach": ["one"],
        "do": {
            "cmd": "python make.py train ${item}",
            "deps": ["settings"],
            "outs": ["models/${item}"],
        },
    },
    "benchmark": {
        "foreach": ["one"],
        "do": {
            "cmd": "python make.py benchmark ${item}",
            "deps": ["models/${item}"],
            "outs": ["predictions/${item}"],
            "metrics": [{"scores/${item}.json": {"cache": False}}],
        },
    },
}
MAKE = """
import sys
from pathlib import Path
from plait import bundle
from plait.files import write_json
stage, name = sys.argv[1:]
model = Path("models", name)
with open("runs", "a") as runs:
    print(stage, file=runs)
if stage == "train":
    task = {"name": "intent", "dataset": "home", "kind": "classification", "field": "intent"}
    made = {"name": name, "backbone": "none", "approach": "linear", "method": "full", "seed": 1}
    tasks = [{**task, "labels": ["on"], "metric": "accuracy"}]
    write_json(model / "bundle.json", {**made, "training": {}, "tasks": tasks})
    (model / "inner").mkdir(exist_ok=True)
    (model / "inner/weights").write_text(Path("settings").read_text() * 1000)
else:
    write_json(Path("scores", f"{name}.json"), {"intent": {"accuracy": 0.5}})
    write_json(Path("predictions", name, "details.json"), {"bundle": bundle.digest(model)})
"""
MODEL, WEIGHTS = Path("models/one"), Path("models/one/inner/weights")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was run and pushed to its remote, whose plan was promoted."""
    folder = projects.make(tmp_path_factory.mktemp("made") / "project", STAGES)
    (folder / "make.py").write_text(MAKE)
    (folder / "settings").write_text("first ")
    run(folder)
    promote(folder)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "project", symlinks=True))


@pytest.fixture
def remote(project: Path, tmp_path: Path) -> Path:
    """The project's remote, which has all of it."""
    projects.dvc(project, "remote", "add", "--default", "shelf", str(tmp_path / "shelf"))
    projects.dvc(project, "push")
    return tmp_path / "shelf"


def run(folder: Path) -> None:
    (folder / "models").mkdir(exist_ok=True)
    projects.dvc(folder, "repro")


def git(folder: Path, *arguments: str) -> None:
    own = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(folder), *own, *arguments], check=True, capture_output=True)


def promote(folder: Path) -> Record:
    registry = Registry(folder)
    digest = registry.add(folder / MODEL)
    record = registry.write(
        Record(
            "shop", "promoted", "wins", plan="one", tasks={"intent": "one"},
            bundles={"one": digest}, replaces=registry.pointed("shop"),
        )
    )  # fmt: skip
    registry.point(record)
    return record


def cached(folder: Path, path: Path) -> Path:
    name = md5(folder / path)
    return folder / ".dvc/cache/files/md5" / name[:2] / name[2:]


def listing(folder: Path) -> Path:
    """What DVC's cache has of the model's folder: the list of its files."""
    name = {
        out["path"]: out["md5"]
        for stage in _lock(folder).values()
        for out in stage["outs"]
    }[str(MODEL)]  # fmt: skip
    return folder / ".dvc/cache/files/md5" / name[:2] / name[2:]


def _lock(folder: Path) -> dict[str, dict[str, list[dict[str, str]]]]:
    import yaml

    stages: dict[str, dict[str, list[dict[str, str]]]] = yaml.safe_load(
        (folder / "dvc.lock").read_text()
    )["stages"]
    return stages


def registered(folder: Path) -> Path:
    (digest,) = Registry(folder).bundles()
    return Registry(folder).folder / "bundles" / digest / "inner/weights"


DAMAGES: dict[str, Callable[[Path], tuple[Path, Path]]] = {
    "registry bundle": lambda f: (registered(f), registered(f).parents[1]),
    "record": lambda f: (Registry(f).path("shop", 1),) * 2,
    "pointer": lambda f: (Registry(f).pointer("shop", "production"),) * 2,
    "model": lambda f: (f / WEIGHTS, f / MODEL),
    "DVC cache": lambda f: (cached(f, WEIGHTS),) * 2,
    "DVC cache, list of a folder": lambda f: (listing(f),) * 2,
    "predictions": lambda f: (f / "predictions/one/details.json", f / "predictions/one"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_one_flipped_bit_is_found_by_name_and_the_command_named_mends_it(
    project: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a remote: another place of this machine has it intact."""
    monkeypatch.chdir(project)
    damaged, place = DAMAGES[name](project)
    whole = damaged.read_bytes()
    flip(damaged, at=9, bit=2)
    result = CliRunner().invoke(app, ["registry", "verify"])
    assert result.exit_code == 1
    (line,) = [line for line in result.stdout.splitlines() if "Mend it: " in line]
    assert line.startswith(f"{place}: ")
    assert "`plait registry verify --mend`" in line
    assert damaged.read_bytes() != whole
    assert CliRunner().invoke(app, ["registry", "verify", "--mend"]).exit_code == 0
    assert damaged.read_bytes() == whole
    assert verify(project, mend=False).left == []
    assert (project / "runs").read_text().split() == ["train", "benchmark"]  # nothing ran again


def test_an_intact_project_says_how_much_was_read(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    result = CliRunner().invoke(app, ["registry", "verify"])
    assert result.exit_code == 0
    registry, dvc, last = result.stdout.splitlines()
    assert registry.endswith("registry: 1 services, 1 records, 1 bundles")
    count = sum(path.is_file() for path in (project / ".dvc/cache/files").rglob("*"))
    assert dvc.startswith(f"DVC: 3 outputs; cache {count} files, ")
    assert dvc.endswith(" MB/s")
    assert last == "All of it is intact."
    found = json.loads(CliRunner().invoke(app, ["registry", "verify", "--json"]).stdout)
    assert found == {"intact": True, "mended": [], "left": []}


def test_without_dvc_the_registry_alone_is_verified(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAIT_REGISTRY", str(Registry(project).folder))
    (tmp_path / "server").mkdir()
    assert verify(tmp_path / "server", mend=False).left == []
    flip(registered(project))
    (left,) = verify(tmp_path / "server", mend=True).left
    assert "no intact copy in models/" in left[1]


@pytest.mark.parametrize("also", [WEIGHTS, Path("registry")])
def test_rot_in_the_cache_and_where_it_came_from_is_mended_from_a_third_place(
    project: Path, also: Path
) -> None:
    """What DVC restored from its rotten cache; or a registry that took it from there."""
    rotten = cached(project, WEIGHTS)
    whole = rotten.read_bytes()
    flip(rotten)
    if also == WEIGHTS:
        shutil.rmtree(project / MODEL)
        projects.dvc(project, "checkout", str(MODEL))
        assert (project / MODEL / "inner/weights").read_bytes() != whole
    else:
        flip(registered(project))
    assert len(verify(project, mend=False).left) == 2
    result = verify(project, mend=True)
    assert result.left == []
    assert rotten.read_bytes() == (project / WEIGHTS).read_bytes() == whole
    assert registered(project).read_bytes() == whole
    assert (project / ".plait/damaged").is_dir()


def everywhere(project: Path) -> bytes:
    """Flip a bit of the model in the cache, in models/ and in the registry."""
    whole = (project / WEIGHTS).read_bytes()
    for path in (cached(project, WEIGHTS), project / WEIGHTS, registered(project)):
        flip(path)
    return whole


def test_the_remote_mends_what_is_rotten_everywhere_here(project: Path, remote: Path) -> None:
    whole = everywhere(project)
    assert len(verify(project, mend=False).left) == 3
    assert verify(project, mend=True).left == []
    assert (project / WEIGHTS).read_bytes() == registered(project).read_bytes() == whole
    assert (project / "runs").read_text().split() == ["train", "benchmark"]


def test_what_no_one_has_is_made_again_by_the_command_that_is_named(project: Path) -> None:
    whole = everywhere(project)
    left = {finding.place: remedy for finding, remedy in verify(project, mend=True).left}
    assert left[project / MODEL] == ("no intact copy is left: `dvc repro train@one` makes it again")
    projects.dvc(project, "repro", "train@one")
    assert (project / WEIGHTS).read_bytes() == whole
    assert verify(project, mend=True).left == []
    assert registered(project).read_bytes() == whole


def test_a_remote_that_is_rotten_too_is_named(project: Path, remote: Path) -> None:
    flip(cached(project, WEIGHTS))
    name = md5(project / WEIGHTS)
    flip(remote / "files/md5" / name[:2] / name[2:])
    flip(project / WEIGHTS)
    flip(registered(project))
    left = [remedy for _, remedy in verify(project, mend=True).left]
    assert f"the DVC remote's copy {name} is damaged, too" in left[0]
    assert "`dvc repro train@one` makes it again" in left[0]


def test_an_output_that_git_keeps_is_made_again(project: Path) -> None:
    flip(project / "scores/one.json", at=20, bit=1)
    whole = subprocess.run(
        ["git", "-C", str(project), "show", "HEAD:scores/one.json"], check=True, capture_output=True
    ).stdout
    (left,) = verify(project, mend=True).left
    assert left[1] == "no intact copy is left: `dvc repro benchmark@one` makes it again"
    projects.dvc(project, "repro", "benchmark@one")
    assert (project / "scores/one.json").read_bytes() == whole
    assert verify(project, mend=False).left == []


def test_scores_of_another_bundle_name_the_stage_and_it_mends_them(project: Path) -> None:
    (project / "settings").write_text("second ")
    projects.dvc(project, "repro", "train@one")
    (left,) = verify(project, mend=True).left
    assert left[0].place == project / MODEL
    assert left[1] == "`dvc repro benchmark@one`"
    projects.dvc(project, "repro", "benchmark@one")
    assert verify(project, mend=False).left == []
    details = read_json(project / "predictions/one/details.json")
    assert details["bundle"] == bundle.digest(project / MODEL)


def test_a_rotten_file_that_nothing_needs_is_moved_aside(project: Path) -> None:
    (project / "settings").write_text("second ")
    old = cached(project, WEIGHTS)
    projects.dvc(project, "repro")
    flip(old)
    ((finding, done),) = verify(project, mend=True).mended
    assert (finding.place, done) == (old, "moved aside; nothing here needs it")
    assert not old.exists()


@pytest.mark.parametrize("where", ["cache", "remote", "set aside"])
def test_a_rollback_brings_an_old_bundle_back_from_wherever_it_is(
    project: Path, remote: Path, where: str
) -> None:
    digest = Registry(project).require("shop").bundles["one"]
    if where == "set aside":
        shutil.copytree(project / MODEL, project / ".plait/set-aside/other/models/one")
    (project / "settings").write_text("second ")
    projects.dvc(project, "repro")
    promote(project)
    Registry(project).discard(digest)
    if where != "cache":
        shutil.rmtree(project / ".dvc/cache")
    if where == "set aside":
        shutil.rmtree(remote)
    record = rollback(project, "shop", mend=lambda name, wanted: bring(project, name, wanted))
    assert record.bundles == {"one": digest}
    assert Registry(project).intact(digest)
    assert not list((project / ".plait").glob("mending/*"))


def test_a_rollback_whose_bundle_no_one_has_changes_nothing(project: Path) -> None:
    digest = Registry(project).require("shop").bundles["one"]
    (project / "settings").write_text("second ")
    projects.dvc(project, "repro")
    promote(project)
    Registry(project).discard(digest)
    shutil.rmtree(project / ".dvc/cache")
    with pytest.raises(PlaitError, match="neither models/ nor DVC's cache or remote has it intact"):
        rollback(project, "shop", mend=lambda name, wanted: bring(project, name, wanted))
    assert Registry(project).require("shop").number == 2


def test_dvc_itself_does_not_see_the_flipped_bit(project: Path) -> None:
    """Why `dvc repro` is no remedy here."""
    projects.dvc(project, "repro")
    flip(project / WEIGHTS)
    done = projects.dvc(project, "repro", "benchmark@one")
    assert "Data and pipelines are up to date." in done
    assert sys.executable
