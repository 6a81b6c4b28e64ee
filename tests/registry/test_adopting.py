"""The registry of an earlier version is noticed, and taken over whole."""

import json
import subprocess
from pathlib import Path

import pytest

from plait import bundle as bundles
from plait.errors import PlaitError
from plait.files import write_json
from plait.registry.acts import rollback
from plait.registry.adopting import adopt
from plait.registry.checking import check
from plait.registry.store import Registry
from registries import bundle, contents, crown


def formerly(root: Path) -> Path:
    """A registry as version 0.1 left it: two champions and a refusal of one service."""
    folder = root / "registry"
    for number, content in enumerate("ab", 1):
        made = bundle(root, content)
        digest = bundles.digest(made)
        for path in made.iterdir():
            target = folder / "bundles" / digest / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        record = {
            "service": "shop", "outcome": "promoted", "reason": f"plan {content} wins",
            "plan": f"plan-{content}", "tasks": {"intent": "one"}, "bundles": {"one": digest},
            "scores": {"intent": {"accuracy": 0.5}}, "heldout": {"intent": "e" * 64},
            "rejected": {}, "replaces": number - 1 or None, "time": "2025-01-01T00:00:00+00:00",
            "source": {"revision": "abc", "changed": True, "dvc_lock": None}, "number": number,
        }  # fmt: skip
        write_json(folder / "shop" / f"{number:04d}.json", record)
    refusal = {"service": "shop", "outcome": "refused", "reason": "no", "number": 3, "replaces": 2}
    write_json(folder / "shop/0003.json", refusal)
    write_json(folder / "shop/champion.json", {"record": 2})
    write_json(folder / "desk/0001.json", {**refusal, "service": "desk", "number": 1})
    return folder


@pytest.fixture(params=["with git", "without git"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "with git":
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def test_it_is_noticed_before_a_new_history_begins(project: Path) -> None:
    formerly(project)
    with pytest.raises(PlaitError) as error:
        Registry(project)
    assert str(error.value).startswith(f"{project}/registry: found the registry of an earlier ver")
    assert "`plait registry adopt` takes its champions and history over." in str(error.value)


def test_champions_and_history_are_taken_over(project: Path) -> None:
    formerly(project)
    assert adopt(project) == ["desk", "shop"]
    registry = Registry(project)
    assert registry.require("shop").plan == "plan-b"
    assert [r.outcome for r in registry.history("shop")] == ["promoted", "promoted", "refused"]
    assert registry.champion("desk") is None
    assert registry.record("shop", 1).time == "2025-01-01T00:00:00+00:00"
    assert list(check(registry, lambda _c, _d: False)) == []
    assert rollback(project, "shop").plan == "plan-a"
    with pytest.raises(PlaitError, match="found no registry that could be taken over"):
        adopt(project)


def test_a_damaged_one_is_named_and_nothing_is_written(project: Path) -> None:
    folder = formerly(project)
    (folder / "shop/champion.json").write_text("{")
    before = {path: path.read_bytes() for path in project.rglob("*.json")}
    with pytest.raises(PlaitError, match=r"champion\.json: found "):
        adopt(project)
    assert {path: path.read_bytes() for path in project.rglob("*.json")} == before
    write_json(folder / "shop/champion.json", {"record": 9})
    with pytest.raises(PlaitError, match="found record 9, which isn't there"):
        adopt(project)


def test_a_project_that_becomes_a_repository_takes_its_own_along(tmp_path: Path) -> None:
    crown(tmp_path, "a")
    record = crown(tmp_path, "b")
    before = contents(tmp_path)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with pytest.raises(PlaitError, match="or of a time before git"):
        Registry(tmp_path)
    adopt(tmp_path)
    assert contents(tmp_path) == before
    assert Registry(tmp_path).require("shop") == record
    assert json.loads((tmp_path / "registry/shop/production.json").read_bytes())["record"] == 2
