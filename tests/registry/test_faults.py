"""Faults, with real processes: kills, two at once, a full or read-only disk, a flipped byte."""

import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from beside import complete, end, reader, started
from interruptions import NEEDS_SPACE, Step, disk_full, heed_permissions, in_child
from plait import bundle as bundles
from plait.errors import PlaitError
from plait.plans.promotion import promote
from plait.registry.acts import hold, release, rollback
from plait.registry.checking import check
from plait.registry.pruning import prune
from plait.registry.store import Registry
from plait.serving.service import Service
from production import experiment, file_size_limit, measure, rescore
from registries import bundle, contents, crown, flip

MOMENTS = 50
Act = Callable[[Path], object]


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five champions, one after the other, whose bundles take a moment to copy and to remove."""
    root = tmp_path_factory.mktemp("five")
    for content in "abcde":
        folder = bundle(root, content)
        for number in range(8):
            (folder / f"part-{number}").write_bytes(content.encode() * 10_000)
        crown(root, content)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five champions with small bundles."""
    for content in "abcde":
        crown(tmp_path / "project", content)
    return tmp_path / "project"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A champion, and a better plan that has been measured."""
    root = tmp_path_factory.mktemp("measured")
    measure(root)
    rescore(root, "tfidf-intent+slots", intent=0.6, slots=0.6)
    promote(experiment(plans={"consolidated": ["tfidf-intent+slots"]}), root)
    rescore(root, "tfidf-intent", intent=0.99)
    rescore(root, "tfidf-slots", slots=0.99)
    return root


def promotes(root: Path) -> object:
    (decision,) = promote(experiment(), root)
    assert decision.status in ("promoted", "unchanged")
    return decision


ACTS: dict[str, Act] = {
    "rollback": lambda root: rollback(root, "shop", to=2),
    "mended rollback": lambda root: rollback(root, "shop", to=1, mend=brings(root)),
    "prune": lambda root: prune(root, 2),
}


def brings(root: Path) -> Callable[[str, str], bool]:
    """Brings the bundle of a back, which the registry has damaged."""

    def bring(_candidate: str, digest: str) -> bool:
        return Registry(root).add(root / "spare") == digest

    return bring


def killed_at_random(
    template: Path, tmp_path: Path, service: str, act: Act, patch: pytest.MonkeyPatch
) -> tuple[int, set[int]]:
    """Kill an act at random moments while another process reads.

    Returns how many kills met it alive, and the champions' numbers that were found then.
    """
    duration = _duration(template, tmp_path / "whole", act, patch)
    moments, killed, champions = random.Random(7), 0, set()
    for number in range(MOMENTS):
        root = Path(shutil.copytree(template, tmp_path / str(number)))
        with reader(root, service):
            child, delay = started(root, act, patch), moments.uniform(0, duration)
            time.sleep(delay)
            if end(child) == signal.SIGKILL:
                killed += 1
            else:  # it was over: the first one may have taken longer, beside other work
                duration = delay
            champions.add(complete(root, service))
        champions.add(complete(root, service))
        act(root)
        complete(root, service)
        assert not [f for f in check(Registry(root), lambda _c, _d: False) if f.mend is None]
        assert not [path for path in (root / "registry").rglob(".*") if path.name != ".lock"]
        shutil.rmtree(root)
    return killed, champions


def _duration(template: Path, root: Path, act: Act, patch: pytest.MonkeyPatch) -> float:
    """Seconds that an act takes once it has the lock."""
    shutil.copytree(template, root)
    child = started(root, act, patch)
    began = time.monotonic()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return time.monotonic() - began


@pytest.mark.parametrize("name", ["rollback", "prune"])
def test_whatever_a_kill_stops_the_champion_is_whole(
    five: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = {
        "rollback": lambda root: (
            rollback(root, "shop", to=2) if complete(root, "shop") == 5 else None
        ),
        "prune": ACTS["prune"],
    }[name]
    killed, champions = killed_at_random(five, tmp_path, "shop", act, monkeypatch)
    assert killed >= MOMENTS // 2
    assert champions <= ({5, 6} if name == "rollback" else {5})
    assert 5 in champions


@pytest.mark.slow
def test_a_kill_of_a_promotion_leaves_the_old_champion_or_the_new(
    measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, champions = killed_at_random(measured, tmp_path, "assistant", promotes, monkeypatch)
    assert killed >= MOMENTS // 2
    assert 1 in champions
    assert champions <= {1, 2}


def test_acts_at_once_wait_for_one_another(root: Path) -> None:
    acts = [
        lambda: rollback(root, "shop", to=4),
        lambda: prune(root, 2),
        lambda: hold(root, "shop", "launch week"),
    ]
    children = []
    for act in acts:
        children.append(os.fork())
        if children[-1] == 0:
            status = 1
            try:
                act()
                status = 0
            finally:
                os._exit(status)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    history = Registry(root).history("shop")
    assert {record.act for record in history[5:]} == {"rollback", "prune", "hold"}
    assert [record.number for record in history] == list(range(1, 9))
    assert list(check(Registry(root), lambda _c, _d: False)) == []


@pytest.mark.parametrize("act", [*ACTS.values(), lambda root: hold(root, "shop", "why")])
def test_an_act_that_waits_too_long_is_told(
    root: Path, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(root)
    monkeypatch.setattr(Registry.lock.__wrapped__, "__defaults__", (0.05,))  # type: ignore[attr-defined]
    acting, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with Registry(root).lock():
            os.write(tell, b"!")
            time.sleep(60)
        os._exit(0)
    os.read(acting, 1)
    try:
        with pytest.raises(PlaitError, match=r"\.lock: another act holds the registry for over"):
            act(root)
    finally:
        end(child)
    assert contents(root) == before
    act(root)  # the system has let go of the lock


def damaged(root: Path) -> None:
    """Let a rollback to the first champion need a copy of its bundle."""
    digest = Registry(root).record("shop", 1).bundles["one"]
    folder = root / "registry/bundles" / digest
    shutil.copytree(folder, root / "spare")
    flip(folder / "weights")


@pytest.mark.parametrize("name", ACTS)
def test_a_full_disk_at_any_step_changes_nothing(root: Path, name: str) -> None:
    damaged(root)
    before, kept, refused = contents(root), root.with_name("kept"), 0
    shutil.copytree(root, kept)
    for at in range(1000):
        with Step(disk_full, at, NEEDS_SPACE) as step:
            message = refusal(ACTS[name], root)
        if step.count <= at:
            break
        if message:
            refused += 1
            after = contents(root)
            assert f"plait {'registry ' * (name == 'prune')}{name.split()[-1]} could not be" in (
                message
            )
            assert "No space left on device" in message
            assert "The champion and its bundles are as they were. Free some disk space" in message
            changed = {path for path in before | after if before.get(path) != after.get(path)}
            assert not [path for path in changed if re.search(r"000[1-5]|production", path)]
        assert complete(root, "shop") == (5 if message else 6 if "roll" in name else 5)
        shutil.rmtree(root)
        shutil.copytree(kept, root)
    assert refused >= 3
    assert message == ""


def refusal(act: Act, root: Path) -> str:
    try:
        act(root)
    except PlaitError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", ACTS)
def test_a_write_that_the_system_refuses_changes_nothing(root: Path, name: str) -> None:
    damaged(root)
    before = contents(root)
    with pytest.raises(PlaitError, match="File too large"), file_size_limit(500):
        ACTS[name](root)
    after = contents(root)
    changed = {path for path in before.keys() | after.keys() if after.get(path) != before.get(path)}
    assert all(path.startswith("bundles/") for path in changed)
    assert not changed or name == "mended rollback"  # a bundle that is intact again harms nobody
    assert not refusal(ACTS[name], root)


@pytest.mark.parametrize("name", [*ACTS, "promote", "hold", "release"])
def test_a_read_only_registry_is_named_and_nothing_changes(
    root: Path, measured: Path, tmp_path: Path, name: str
) -> None:
    acts: dict[str, Act] = {
        **ACTS,
        "promote": promotes,
        "hold": lambda folder: hold(folder, "shop", "why"),
        "release": lambda folder: release(folder, "shop"),
    }
    if name == "promote":
        shutil.rmtree(root)
        shutil.copytree(measured, root)
    else:
        damaged(root)
    before = contents(root)
    folders = [p for p in [root / "registry", *(root / "registry").rglob("*")] if p.is_dir()]
    for folder in folders:
        folder.chmod(0o555)

    def try_it() -> None:
        heed_permissions()
        with pytest.raises(PlaitError, match="Permission denied") as error:
            acts[name](root)
        assert str(error.value).startswith(f"{root / 'registry'}: ")
        assert "or mend the folder's permissions" in str(error.value)

    try:
        in_child(try_it)
        assert contents(root) == before
        (root / "registry/.lock").unlink(missing_ok=True)
        in_child(try_it)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert contents(root) == before


def test_readers_need_no_permission_to_write(measured: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(measured, tmp_path / "project"))
    for path in [root / "registry", *(root / "registry").rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)

    def answer() -> None:
        heed_permissions()
        (reply,) = Service.load("assistant", root).answer(["turn on the fan in the attic"])
        assert reply.answers

    assert in_child(answer) == 0
    for path in [root / "registry", *(root / "registry").rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_one_flipped_byte_anywhere_is_refused_by_name(measured: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(measured, tmp_path / "project"))
    registry, numbers = Registry(root), random.Random(3)
    (digest,) = registry.require("assistant").bundles.values()
    files = [path for path in registry.bundle(digest).rglob("*") if path.is_file()]
    for path in (registry.path("assistant", 1), registry.pointer("assistant", "production")):
        for at in range(path.stat().st_size):
            assert refused_with(root, path, at, numbers).startswith(f"{path}: found ")
    for path in files:
        size = path.stat().st_size
        for at in {0, size - 1, *numbers.sample(range(size), min(size, 5))}:
            message = refused_with(root, path, at, numbers)
            assert message.startswith(f"{registry.folder / 'bundles' / digest}: the bundle was al")
    assert bundles.load(registry.bundle(digest))


def refused_with(root: Path, path: Path, at: int, numbers: random.Random) -> str:
    """What a reader is told when a bit of a byte is flipped, which is then turned back."""
    bit = numbers.randrange(8)
    flip(path, at, bit)
    try:
        with pytest.raises(PlaitError) as error:
            complete(root, "assistant")
        return str(error.value)
    finally:
        flip(path, at, bit)
