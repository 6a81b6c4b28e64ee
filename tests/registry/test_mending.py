"""What a disk has taken for good comes back from what was published."""

import shutil
from pathlib import Path

import pytest

import production
import projects
from plait.plans.promotion import promote
from plait.registry.publishing import publish
from plait.registry.pulling import pull
from plait.registry.store import Registry
from plait.running.verifying import verify
from plait.serving.service import Service
from publications import SERVICE, git, published_project

BOTH = "tfidf-intent+slots"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of two champions, the second one published; its remotes lie beside it."""
    folder = tmp_path_factory.mktemp("published")
    root = published_project(folder)
    production.train(root, BOTH, seed=8, training={"C": 3.0})
    (decision,) = promote(production.experiment(), root, consent="another seed")
    assert (decision.status, decision.record.number) == ("promoted", 2)
    publish(root, SERVICE)
    return folder


@pytest.fixture
def root(published: Path, tmp_path: Path) -> Path:
    """A copy of the project; the remotes stay where they are."""
    return Path(shutil.copytree(published / "project", tmp_path / "project", symlinks=True))


def test_a_champion_whose_record_and_pointer_are_lost_is_pulled(root: Path) -> None:
    registry = Registry(root)
    champion = registry.require(SERVICE)
    registry.path(SERVICE, 2).write_text("{}")
    left = [remedy for _, remedy in verify(root, mend=True).left]
    assert len(left) == 1
    assert left[0].endswith(f"or `plait pull {SERVICE}` brings a published plan")
    pulled = pull(root, SERVICE)
    assert (pulled.plan, pulled.bundles) == (champion.plan, champion.bundles)
    assert registry.require(SERVICE) == pulled
    assert pulled.replaces == 2
    assert verify(root, mend=False).left == []


def test_a_bundle_that_no_one_here_has_is_pulled(root: Path) -> None:
    registry = Registry(root)
    digest = registry.require(SERVICE).bundles[BOTH]
    shutil.rmtree(root / "models" / BOTH)
    shutil.rmtree(root / ".dvc/cache")
    registry.discard(digest)
    (left,) = [remedy for _, remedy in verify(root, mend=True).left]
    assert f"`plait pull {SERVICE}` brings a published one" in left
    pull(root, SERVICE)
    assert registry.intact(digest)
    assert verify(root, mend=False).left == []


def test_a_clone_misses_nothing_of_what_it_was_never_sent(published: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(published / "shared.git"), "clone")
    clone = tmp_path / "clone"
    projects.dvc(clone, "remote", "add", "--force", "--default", "store", str(published / "store"))
    pull(clone, SERVICE)
    registry = Registry(clone)
    assert [record.act for record in registry.history(SERVICE)][:2] == ["promote", "promote"]
    assert len(registry.bundles()) == 1
    assert verify(clone, mend=False).left == []
    assert Service.load(SERVICE, clone).answer(["turn on the fan"])
