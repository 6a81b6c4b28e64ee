"""The store: numbers, chain, pointers and bundles."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from plait import bundle as bundles
from plait.errors import PlaitError
from plait.registry.records import Record
from plait.registry.store import Registry
from registries import bundle, contents, crown, draft, flip


def test_records_are_numbered_and_each_names_the_seal_of_the_one_before(tmp_path: Path) -> None:
    for content in "abc":
        crown(tmp_path, content)
    history = Registry(tmp_path).history("shop")
    assert [record.number for record in history] == [1, 2, 3]
    assert [record.replaces for record in history] == [None, 1, 2]
    assert history[0].previous == ""
    assert [record.previous for record in history[1:]] == [record.seal for record in history[:2]]


def test_the_same_act_again_is_not_written_again(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    kept = registry.write(draft(crown(tmp_path, "a")))
    assert registry.write(replace(draft(kept), time="later")) == kept
    assert registry.numbers("shop") == [1, 2]


def test_the_number_of_a_lost_record_is_not_given_again(tmp_path: Path) -> None:
    crown(tmp_path, "a")
    crown(tmp_path, "b")
    registry = Registry(tmp_path)
    registry.path("shop", 2).rename(registry.path("shop", 2).with_suffix(".damaged"))
    assert registry.lost("shop") == [2]
    kept = crown(tmp_path, "c")
    assert kept.number == 3
    assert kept.previous == registry.record("shop", 1).seal
    assert registry.known() == ["shop"]


def test_a_pointer_that_names_another_record_of_that_number_is_refused(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    record = crown(tmp_path, "a")
    registry.path("shop", 1).unlink()
    registry.write(replace(record, reason="another"))
    with pytest.raises(PlaitError, match=r"production\.json: found the seal .* for record 1"):
        registry.champion("shop")


def test_each_byte_of_a_pointer_counts(tmp_path: Path) -> None:
    crown(tmp_path, "a")
    path = Registry(tmp_path).pointer("shop", "production")
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 2]) + content[place + 1 :])
        with pytest.raises(PlaitError) as error:
            Registry(tmp_path).require("shop")
        assert str(error.value).startswith(f"{path}: found ")
        assert Registry(tmp_path).pointed("shop") is None


def test_stages_have_champions_of_their_own(tmp_path: Path) -> None:
    crown(tmp_path, "a")
    crown(tmp_path, "b", stage="staging")
    crown(tmp_path, "c", service="desk")
    registry = Registry(tmp_path)
    assert registry.require("shop").plan == "plan-a"
    assert registry.require("shop", "staging").plan == registry.require(None, "staging").plan
    assert registry.services() == registry.known() == ["desk", "shop"]
    assert registry.services("staging") == ["shop"]
    assert registry.champion("desk", "staging") is None


def test_a_bundle_is_kept_by_its_digest_and_each_byte_counts(tmp_path: Path) -> None:
    folder = bundle(tmp_path, "a")
    registry = Registry(tmp_path)
    digest = registry.add(folder)
    assert digest == bundles.digest(folder) == registry.bundles()[0]
    assert registry.size(digest) == sum(path.stat().st_size for path in folder.iterdir())
    kept = registry.bundle(digest)
    for path in sorted(kept.iterdir()):
        for place in range(path.stat().st_size):
            flip(path, at=place, bit=place % 8)
            with pytest.raises(PlaitError) as error:
                registry.bundle(digest)
            assert str(error.value).startswith(f"{kept}: the bundle was altered")
            flip(path, at=place, bit=place % 8)
    (kept / "more").touch()
    with pytest.raises(PlaitError, match="altered"):
        registry.bundle(digest)
    assert registry.add(folder) == digest
    assert registry.intact(digest)


def test_answers_are_kept_sealed_by_bundle_and_rows(tmp_path: Path) -> None:
    registry, lines = Registry(tmp_path), [{"id": "1", "gold": "x", "answer": "y"}]
    registry.keep_answers("d" * 64, "e" * 64, iter(lines))
    assert registry.answers("d" * 64, "e" * 64) == lines
    assert registry.answers("d" * 64, "f" * 64) is None
    path = tmp_path / "registry/answers" / ("d" * 64) / f"{'e' * 64}.json"
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(PlaitError) as error:
            registry.answers("d" * 64, "e" * 64)
        assert str(error.value).startswith(f"{path}: found ")


def test_a_discarded_bundle_takes_its_answers_along(tmp_path: Path) -> None:
    record = crown(tmp_path, "a")
    registry, digest = Registry(tmp_path), record.bundles["one"]
    registry.keep_answers(digest, "e" * 64, [])
    registry.discard(digest)
    assert not [name for name in contents(tmp_path) if "bundles/" in name or "answers/" in name]
    registry.discard(digest)  # nothing more to do


def test_a_service_without_a_history_is_named(tmp_path: Path) -> None:
    crown(tmp_path, "a")
    with pytest.raises(PlaitError, match="service 'shp' has no history; did you mean 'shop'"):
        Registry(tmp_path).require_known("shp")
    assert Registry(tmp_path / "elsewhere").known() == []


def test_a_copy_of_the_whole_folder_is_the_same_registry(tmp_path: Path) -> None:
    crown(tmp_path / "here", "a")
    crown(tmp_path / "here", "b")
    shutil.copytree(tmp_path / "here/registry", tmp_path / "there/registry")
    there = Registry(tmp_path / "there")
    assert there.history("shop") == Registry(tmp_path / "here").history("shop")
    assert isinstance(there.require("shop"), Record)
    assert there.intact(there.require("shop").bundles["one"])
