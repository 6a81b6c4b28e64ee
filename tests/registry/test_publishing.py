"""Publishing: whoever has git and the remote gets a plan that answers; no tag without weights."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import plait
import projects
from plait.errors import PlaitError
from plait.plans.promotion import promote
from plait.registry.git import ask
from plait.registry.publishing import publish
from plait.registry.pulling import pull
from plait.registry.store import Registry
from plait.registry.tags import tags
from plait.serving.service import Service
from production import experiment, rescore, train
from publications import SERVICE, git, published_project, whole

TEXT = "turn on the kitchen light"
BOTH = "tfidf-intent+slots"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("publications")
    published_project(folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """Project, git remote and DVC remote, with a champion that is not published."""
    shutil.copytree(made, tmp_path / "here", symlinks=True)
    root = tmp_path / "here" / "project"
    git(root, "remote", "set-url", "origin", str(tmp_path / "here" / "shared.git"))
    projects.dvc(root, "remote", "modify", "store", "url", str(tmp_path / "here" / "store"))
    git(root, "commit", "-qam", "Where the remotes are")
    git(root, "push", "-q", "origin", "HEAD")
    return tmp_path / "here"


def a_newer_champion(root: Path) -> None:
    rescore(root, BOTH, intent=0.6, slots=0.6)
    for name in ("tfidf-intent", "tfidf-slots"):
        train(root, name, seed=8)
    rescore(root, "tfidf-intent", intent=0.99)
    rescore(root, "tfidf-slots", slots=0.99)
    (decision,) = promote(experiment(), root, consent="30 rows show little")
    assert decision.status == "promoted", decision.reason


def clone(folder: Path, name: str) -> Path:
    git(folder, "clone", "-q", str(folder / "shared.git"), name)
    git(folder / name, "config", "user.email", "other@example.org")
    return folder / name


def test_anyone_with_git_and_the_remote_gets_a_bundle_that_answers(folder: Path) -> None:
    root = folder / "project"
    before = git(root, "rev-parse", "HEAD"), git(root, "status", "--porcelain")
    done = publish(root, SERVICE)
    assert done.tags == ("assistant@v1.0.0", "assistant#prod#1")
    assert (git(root, "rev-parse", "HEAD"), git(root, "status", "--porcelain")) == before
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    repository = str(folder / "shared.git")
    projects.dvc(elsewhere, "artifacts", "get", repository, SERVICE, "--stage", "prod")
    package = elsewhere / SERVICE
    (reply,) = plait.load(package).predict([TEXT])
    (here,) = Service.load(SERVICE, root).answer([TEXT])
    assert reply == here
    assert (package / "README.md").read_text().startswith("---\n")
    assert sorted(p.name for p in (package / "history").iterdir()) == ["0001.json"]


def test_an_altered_package_is_refused_by_name(folder: Path) -> None:
    publish(folder / "project", SERVICE)
    projects.dvc(folder, "artifacts", "get", str(folder / "shared.git"), SERVICE)
    package = folder / SERVICE
    for path in (package / "record.json", next(package.rglob("*.safetensors"))):
        content = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        with pytest.raises(PlaitError, match=f"{package}/.*: found "):
            plait.load(package)
        path.write_bytes(content)
    plait.load(package)
    with pytest.raises(PlaitError, match=r"found neither bundle\.json .* nor record\.json"):
        plait.load(folder)


def test_publishing_again_changes_nothing(folder: Path) -> None:
    root = folder / "project"
    first = publish(root, SERVICE)
    assert publish(root, SERVICE) == first
    assert Registry(root).numbers(SERVICE) == [1, 2]
    record = Registry(root).record(SERVICE, 2)
    assert (record.act, record.outcome, record.restores) == ("publish", "done", 1)
    assert record.who.startswith("engineer@example.org (")
    assert record.source["published"] == {"tags": list(first.tags), "commit": first.commit}
    assert Registry(root).require(SERVICE).number == 1


def test_another_champion_is_the_next_version(folder: Path) -> None:
    root = folder / "project"
    first = publish(root, SERVICE)
    a_newer_champion(root)
    done = publish(root, SERVICE)
    assert done.tags == ("assistant@v1.1.0", "assistant#prod#2")
    other = clone(folder, "other")
    assert pull(other, SERVICE, version="v1.0.0").bundles == first.record.bundles
    assert pull(other, SERVICE).bundles == done.record.bundles


def test_a_pull_brings_champion_and_history(folder: Path) -> None:
    root = folder / "project"
    publish(root, SERVICE)
    other = clone(folder, "other")
    record = pull(other, SERVICE)
    assert [act.act for act in Registry(other).history(SERVICE)] == ["promote", "pull"]
    assert Registry(other).require(SERVICE) == record
    assert record.who.startswith("other@example.org (")
    assert record.reason.startswith("Pulled record 1 of engineer@example.org (")
    assert Service.load(SERVICE, other).answer([TEXT]) == Service.load(SERVICE, root).answer([TEXT])
    assert pull(other, SERVICE) == record
    (digest,) = record.bundles.values()
    shutil.rmtree(Registry(other).bundle(digest))
    pull(other, SERVICE)
    assert Registry(other).intact(digest)


def test_what_is_not_published_is_said(folder: Path) -> None:
    root = folder / "project"
    with pytest.raises(PlaitError, match="no service has a champion in staging yet"):
        publish(root, SERVICE, "staging")
    publish(root, SERVICE)
    other = clone(folder, "other")
    with pytest.raises(PlaitError) as error:
        pull(other, SERVICE, stage="staging")
    assert str(error.value) == "assistant: nothing is published for stage staging; versions: v1.0.0"
    with pytest.raises(PlaitError, match=r"version v9\.9\.9; versions: v1\.0\.0"):
        pull(other, SERVICE, version="v9.9.9")
    with pytest.raises(PlaitError, match="asistant: no such service is published; did you mean"):
        pull(other, "asistant")
    assert Registry(other).numbers(SERVICE) == []


def test_without_a_git_remote_the_tags_stay_here(folder: Path) -> None:
    root = folder / "project"
    git(root, "remote", "remove", "origin")
    done = publish(root, SERVICE)
    assert done.shared is None
    assert tags(root, SERVICE) == ["assistant#prod#1", "assistant@v1.0.0"]


def refused(root: Path) -> str:
    with pytest.raises(PlaitError) as error:
        publish(root, SERVICE)
    assert tags(root, SERVICE) == []
    assert tags(root.parent / "shared.git", SERVICE) == []
    assert Registry(root).numbers(SERVICE) == [1]
    return str(error.value)


def test_a_git_remote_that_refuses_leaves_no_tag(folder: Path) -> None:
    hook = folder / "shared.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho no tags today >&2\nexit 1\n")
    hook.chmod(0o755)
    message = refused(folder / "project")
    assert "no tags today" in message
    assert message.endswith("The tags made here are removed; publish again.")
    hook.unlink()
    assert publish(folder / "project", SERVICE).tags == ("assistant@v1.0.0", "assistant#prod#1")


def test_a_dvc_remote_that_fails_leaves_no_tag(folder: Path) -> None:
    (folder / "store").write_text("a file, where a folder should be")
    assert "the weights could not be pushed" in refused(folder / "project")


def test_no_dvc_remote(folder: Path) -> None:
    projects.dvc(folder / "project", "remote", "remove", "store")
    assert "found no default remote, expected one to publish to" in refused(folder / "project")


def test_an_altered_bundle_is_not_published(folder: Path) -> None:
    root = folder / "project"
    registry = Registry(root)
    (digest,) = registry.require(SERVICE).bundles.values()
    (registry.bundle(digest) / "README.md").write_text("altered")
    assert "the bundle was altered" in refused(root)


def test_git_must_know_who_publishes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder / "project"
    git(root, "config", "--unset", "user.name")
    git(root, "config", "--unset", "user.email")
    git(root, "config", "user.useConfigOnly", "true")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    assert "it doesn't know who commits and tags" in refused(root)


def test_a_project_in_a_subfolder_is_refused(folder: Path) -> None:
    root = folder / "project"
    (root / "inner").mkdir()
    shutil.copytree(Registry(root).folder, Registry(root / "inner").folder)
    with pytest.raises(PlaitError, match="a project in a subfolder of the git repository"):
        publish(root / "inner", SERVICE)


@pytest.mark.parametrize("act", [publish, pull])
def test_a_write_that_the_disk_refuses_is_named(
    act: Callable[[Path, str], Any], folder: Path
) -> None:
    root = folder / "project"
    if act is pull:
        publish(root, SERVICE)
    before = Registry(root).numbers(SERVICE), tags(root, SERVICE)
    blocked = Registry(root).folder / ".sharing"
    blocked.write_text("a file, where a folder should be")
    with pytest.raises(PlaitError) as error:
        act(root, SERVICE)
    command = f"plait {act.__name__} {SERVICE}"
    assert str(error.value) == (
        f"{Registry(root).folder}: {command} could not be written: File exists ({blocked}). The "
        "champion and its bundles are as they were. Free some disk space, or mend the folder's "
        f"permissions, and run {command} again."
    )
    assert (Registry(root).numbers(SERVICE), tags(root, SERVICE)) == before


PUBLISH = """
import sys
from pathlib import Path
from plait.registry.publishing import publish
publish(Path(sys.argv[1]), "assistant")
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_kill_at_any_moment_leaves_no_tag_without_weights(folder: Path) -> None:
    """SIGKILL of the process and its children at 25 moments spread over a whole publication."""
    root, store, chance = folder / "project", folder / "store", random.Random(17)
    command = [sys.executable, "-c", PUBLISH, str(root)]
    begun = time.monotonic()
    subprocess.run(command, check=True)
    whole_run, found = time.monotonic() - begun, []
    for _ in range(25):
        _forget(root, store)
        process = subprocess.Popen(command, start_new_session=True)
        time.sleep(chance.uniform(0.3, 1.05) * whole_run)
        # Beside other work one run takes longer than another.
        whole_run *= 0.9 if process.poll() is not None else 1.05
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for repository in (root, folder / "shared.git"):
            found.append(len(tags(repository, SERVICE)))
            for tag in tags(repository, SERVICE):
                assert whole(repository, store, git(repository, "rev-parse", f"{tag}^{{commit}}"))
        publish(root, SERVICE)
        assert tags(folder / "shared.git", SERVICE) == ["assistant#prod#1", "assistant@v1.0.0"]
        assert whole(root, store, git(root, "rev-parse", "assistant@v1.0.0^{commit}"))
        assert ask(root, "fsck", "--strict") is not None
    assert set(found) >= {0, 2}


def _forget(root: Path, store: Path) -> None:
    """As before the first publication."""
    for repository in (root, root.parent / "shared.git"):
        git(repository, "tag", "-d", *tags(repository, SERVICE))
    if store.exists():  # not so after a very early kill
        shutil.rmtree(store)
    shutil.rmtree(root / ".dvc" / "cache", ignore_errors=True)
    Registry(root).path(SERVICE, 2).unlink(missing_ok=True)
