"""Checking and mending a registry: each damage is found by name, and mended as far as it can be."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from plait.registry.acts import rollback
from plait.registry.checking import Finding, check
from plait.registry.mending import Unmended
from plait.registry.pruning import prune
from plait.registry.store import Registry
from registries import bundle, contents, crown, draft, flip


@pytest.fixture
def three(tmp_path: Path) -> Path:
    for content in "abc":
        crown(tmp_path, content)
    return tmp_path


def nothing(_candidate: str, _digest: str) -> bool:
    return False


def found(root: Path, bring: Callable[[str, str], bool] = nothing) -> list[Finding]:
    return list(check(Registry(root), bring))


def mended(root: Path, bring: Callable[[str, str], bool] = nothing) -> list[str]:
    """What each mending says, in turn."""
    said = []
    for finding in check(Registry(root), bring):
        assert finding.mend
        said.append(finding.mend())
    return said


def test_an_intact_registry_has_no_findings(three: Path) -> None:
    crown(three, "d", stage="staging")
    rollback(three, "shop", to=1)
    Registry(three).write(draft(Registry(three).record("shop", 2)))
    prune(three, 1)
    assert found(three) == []
    assert found(three / "elsewhere") == []


@pytest.mark.parametrize("name", ["0001.json", "0003.json", "production.json"])
def test_a_flipped_bit_in_a_record_or_pointer_is_turned_back(three: Path, name: str) -> None:
    before, path = contents(three), three / "registry/shop" / name
    for at in (0, 30, 100, path.stat().st_size - 1):
        flip(path, at=at, bit=at % 7)
        (finding,) = found(three)
        assert finding.place == path
        assert "was altered" in finding.found
        assert "`plait registry verify --mend`" in finding.remedy
        assert mended(three) == ["a flipped bit turned back"]
        assert contents(three) == before


def test_a_record_beyond_repair_is_set_aside_and_what_is_lost_is_said(three: Path) -> None:
    path = three / "registry/shop/0002.json"
    path.write_text("{}")
    assert mended(three) == ["set aside as 0002.damaged; what it said is lost"]
    assert found(three) == []
    assert path.with_suffix(".damaged").read_text() == "{}"
    assert crown(three, "d").number == 4
    assert found(three) == []


def test_a_removed_record_leaves_a_gap_that_is_known(three: Path) -> None:
    path = three / "registry/shop/0002.json"
    path.unlink()
    (finding,) = found(three)
    assert finding.place == path
    assert finding.found == (
        "no such file, though a later record or a pointer shows that it was there"
    )
    mended(three)
    assert found(three) == []
    assert Registry(three).lost("shop") == [2]


def test_a_champion_whose_record_is_lost_is_replaced_by_the_command_that_is_named(
    three: Path,
) -> None:
    path = three / "registry/shop/0003.json"
    path.write_bytes(path.read_bytes()[:200])
    first, second = list(_mend_all(three))
    assert first.place == path
    assert second.found == "it names record 3, which is lost"
    assert second.remedy.startswith("`plait rollback shop --to 2 --stage production`; or `plait p")
    rollback(three, "shop", to=2)
    assert found(three) == []
    assert Registry(three).require("shop").plan == "plan-b"


def test_the_champions_record_removed_is_found_by_its_pointer(three: Path) -> None:
    path = three / "registry/shop/0003.json"
    path.unlink()
    assert [finding.place for finding in found(three)] == [path]
    first, second = _mend_all(three)
    assert (first.place, second.found) == (path, "it names record 3, which is lost")
    rollback(three, "shop", to=1)
    assert found(three) == []
    assert Registry(three).numbers("shop") == [1, 2, 4]


def _mend_all(root: Path) -> list[Finding]:
    seen = []
    for finding in check(Registry(root), nothing):
        seen.append(finding)
        if finding.mend:
            finding.mend()
    return seen


@pytest.mark.parametrize("content", [None, "", '{"record": 1}'])
def test_a_lost_pointer_is_set_by_the_history(three: Path, content: str | None) -> None:
    rollback(three, "shop", to=1)
    path = three / "registry/shop/production.json"
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    assert mended(three) == ["set to record 4, which the history shows"]
    assert Registry(three).require("shop").restores == 1


def test_the_history_knows_an_act_that_was_stopped_before_the_pointer(three: Path) -> None:
    registry = Registry(three)
    crown(three, "d", point=False)  # killed before the swap
    (finding,) = found(three)
    assert finding.found.startswith("it names record 3, though record 4 was made champion later")
    registry.write(replace(draft(registry.record("shop", 1)), replaces=3))  # a later refusal
    assert found(three) == []
    registry.pointer("shop", "production").unlink()
    assert mended(three) == ["set to record 3, which the history shows"]


def test_a_pointer_set_back_by_hand_is_seen(three: Path) -> None:
    path = three / "registry/shop/production.json"
    kept = path.read_bytes()
    crown(three, "d")
    path.write_bytes(kept)
    (finding,) = found(three)
    assert finding.found == (
        "it names record 3, though record 4 was made champion later: that act was stopped, or the "
        "pointer was set by hand"
    )
    assert "`plait rollback shop --to 3 --stage production` keeps it" in finding.remedy
    assert finding.mend is None


def test_a_record_written_anew_breaks_the_chain(three: Path) -> None:
    registry = Registry(three)
    old = registry.record("shop", 1)
    registry.path("shop", 1).unlink()
    other = registry.write(replace(old, service="desk"))
    registry.path("desk", 1).rename(registry.path("shop", 1))
    assert other.number == 1
    places = [(finding.place.name, finding.mend) for finding in found(three)]
    assert places == [("0001.json", None), ("0002.json", None)]


def test_a_damaged_bundle_is_brought_from_elsewhere(three: Path) -> None:
    digest = Registry(three).record("shop", 3).bundles["one"]
    folder = three / "registry/bundles" / digest
    flip(folder / "weights", at=7)
    (finding,) = found(three)
    assert finding.place == folder
    assert finding.found == "the bundle of one (shop, record 3) was altered"
    with pytest.raises(Unmended, match="no intact copy in models/, DVC's cache or its remote"):
        mended(three)
    brought = lambda _c, _d: Registry(three).add(bundle(three, "c")) == digest  # noqa: E731
    assert mended(three, brought) == ["copied from an intact one"]
    assert found(three) == []


def test_pruned_bundles_are_not_missed_but_lost_ones_are(three: Path) -> None:
    prune(three, 1)
    assert found(three) == []
    Registry(three).discard(Registry(three).record("shop", 3).bundles["one"])
    (finding,) = found(three)
    assert finding.found == "the bundle of one (shop, record 3) is missing"


def test_a_bundle_that_no_one_needs_is_removed_if_damaged(three: Path) -> None:
    digest = Registry(three).add(bundle(three, "orphan"))
    assert found(three) == []
    flip(three / "registry/bundles" / digest / "weights")
    assert mended(three) == ["removed"]
    assert not (three / "registry/bundles" / digest).exists()


def test_damaged_answers_are_turned_back_or_removed(three: Path) -> None:
    registry = Registry(three)
    digest = registry.record("shop", 1).bundles["one"]
    registry.keep_answers(digest, "e" * 64, [{"id": "1", "gold": "x", "answer": "y"}])
    (path,) = registry.folder.glob("answers/*/*.json")
    flip(path, at=20)
    assert mended(three) == ["a flipped bit turned back"]
    path.write_text("{}")
    (finding,) = found(three)
    assert finding.found.startswith(f"{path}: found no sealed JSON object")
    assert mended(three) == ["removed; they are made again when they are needed"]
    assert registry.answers(digest, "e" * 64) is None
