"""Promotion: what becomes champion, what doesn't and why, and that no failure harms a champion."""

import functools
import itertools
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from interruptions import NEEDS_SPACE, Step, disk_full, killed_at_every_step
from plait import bundle
from plait.errors import PlaitError
from plait.experiment.loading import check
from plait.files import read_json, sha256
from plait.machine import processor
from plait.plans.promotion import Decision, promote
from plait.registry.origin import source
from plait.registry.store import Registry
from plait.serving.service import Service
from production import PARAMS, experiment, file_size_limit, rescore, train

BOTH, INTENT, SLOTS = "tfidf-intent+slots", "tfidf-intent", "tfidf-slots"


def settle(root: Path, **assistant: Any) -> Decision:
    (decision,) = promote(experiment(**assistant), root)
    return decision


def contents(root: Path) -> dict[str, bytes]:
    """All that the registry holds."""
    folder = root / "registry"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def poor_champion(root: Path) -> Decision:
    """Promote the consolidated plan, which is said to have half of the rows right."""
    rescore(root, BOTH, intent=0.5, slots=0.5)
    rescore(root, INTENT, intent=0.5)
    rescore(root, SLOTS, slots=0.5)
    return settle(root)


def better_plan(root: Path) -> None:
    """Let one model per task win by far over the poor champion."""
    rescore(root, INTENT, intent=0.99)
    rescore(root, SLOTS, slots=0.99)


def test_the_first_winner_becomes_champion(root: Path) -> None:
    decision = settle(root)
    assert (decision.status, decision.record.number) == ("promoted", 1)
    assert decision.reason.endswith("It is the service's first champion.")
    digest = bundle.digest(root / "models" / BOTH)
    record = read_json(root / "registry/assistant/0001.json")
    assert record["bundles"] == {BOTH: digest}
    assert record["tasks"] == {"intent": BOTH, "slots": BOTH}
    assert record["scores"]["intent"] == read_json(root / f"scores/{BOTH}.json")["intent"]
    assert record["plan"] == "consolidated"
    files = {path.name for path in (root / "models" / BOTH).iterdir()}
    assert set(contents(root)) == {
        "assistant/0001.json",
        "assistant/0001.md",
        "assistant/production.json",
        *(f"bundles/{digest}/{name}" for name in files),
        *(f"answers/{digest}/{rows}.json" for rows in record["heldout"].values()),
    }
    assert bundle.digest(root / "registry/bundles" / digest) == digest


def test_promoting_again_changes_nothing(root: Path) -> None:
    settle(root)
    before = contents(root)
    decision = settle(root)
    assert (decision.status, decision.record.number) == ("unchanged", 1)
    assert decision.reason.endswith("It is the champion (decision 1, plan consolidated) already.")
    assert contents(root) == before


def test_a_better_plan_replaces_the_champion_whose_bundles_stay(root: Path) -> None:
    poor_champion(root)
    better_plan(root)
    old = Registry(root).require("assistant")
    decision = settle(root)
    assert decision.status == "promoted"
    assert (decision.record.plan, decision.record.replaces) == ("one-per-task", 1)
    assert decision.reason.endswith(
        "It is non-inferior on every task and better on intent and slots: it replaces the champion."
    )
    assert set(decision.record.bundles) == {INTENT, SLOTS}
    assert Registry(root).require("assistant") == decision.record
    assert all(Registry(root).intact(digest) for digest in old.bundles.values())


def test_a_refusal_is_recorded_once(root: Path) -> None:
    settle(root)
    pointer = (root / "registry/assistant/production.json").read_bytes()
    train(root, BOTH, seed=8)
    decision = settle(root)
    assert decision.status == "refused"
    assert decision.reason.endswith(
        'The champion stays; `plait promote --replace "why"` replaces it.'
    )
    assert settle(root) == decision
    assert Registry(root).numbers("assistant") == [1, 2]
    assert Registry(root).record("assistant", 2).outcome == "refused"
    assert (root / "registry/assistant/production.json").read_bytes() == pointer


def test_all_candidates_were_measured_on_rows_that_can_be_compared(root: Path) -> None:
    both, intent, slots = (
        read_json(root / "predictions" / name / "details.json")["heldout"]
        for name in (BOTH, INTENT, SLOTS)
    )
    assert both == {**intent, **slots}
    assert both["intent"] != both["slots"]


def test_below_its_gate_nothing_is_promoted(root: Path) -> None:
    rescore(root, BOTH, intent=0.8)
    rescore(root, INTENT, intent=0.8)
    decision = settle(root, gates={"tasks": {"intent": 0.9}})
    assert decision.status == "refused"
    assert decision.record.rejected == {
        "consolidated": "intent 80.00 % is below its gate 90.00 %",
        "one-per-task": "intent 80.00 % is below its gate 90.00 %",
    }
    assert decision.reason.endswith("The service has no champion.")
    assert Registry(root).services() == []
    assert not (root / "registry/bundles").exists()


def test_the_floor_is_promoted_where_nothing_beats_it(root: Path) -> None:
    rescore(root, BOTH, intent=0.5, slots=0.5)
    decision = settle(root, floor="one-per-task")
    assert (decision.status, decision.record.plan) == ("promoted", "one-per-task")
    assert decision.reason.startswith("No fine-tuned model beats the TF-IDF floor")


def test_scores_of_another_bundle_are_refused(root: Path) -> None:
    found = read_json(root / f"predictions/{BOTH}/details.json")["bundle"]
    path = root / f"models/{BOTH}/README.md"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(PlaitError) as error:
        settle(root)
    assert (
        f"but scores/{BOTH}.json was measured on {found}. Run `plait registry verify --mend`"
        in str(error.value)
    )


@pytest.mark.parametrize("path", [f"scores/{BOTH}.json", f"predictions/{BOTH}/details.json"])
def test_missing_results_are_named(root: Path, path: str) -> None:
    (root / path).unlink()
    with pytest.raises(PlaitError) as error:
        settle(root)
    assert str(error.value) == (
        f"{root / path}: no such file, so candidate '{BOTH}' can't be judged. Run `plait run`."
    )


def test_the_reason_names_what_trainings_with_other_seeds_show(root: Path) -> None:
    again = {f"{name}-again": {**PARAMS["candidates"][name], "seed": 2} for name in (BOTH, SLOTS)}
    candidates = {**PARAMS["candidates"], **again}
    found = check({**PARAMS, "candidates": candidates}, "params.yaml")
    with pytest.raises(PlaitError, match="slots-again' can't be judged"):
        promote(found, root)
    for name in (BOTH, SLOTS):
        shutil.copytree(root / "predictions" / name, root / "predictions" / f"{name}-again")
    (decision,) = promote(found, root)
    assert (
        "against one-per-task over seeds 1, 2, for information, margin 1 point" in decision.reason
    )


def test_a_missing_bundle_is_named(root: Path) -> None:
    shutil.rmtree(root / "models" / BOTH)
    with pytest.raises(PlaitError, match="no such bundle, so it can't be promoted"):
        settle(root)


def test_a_record_says_which_revision_it_came_from(root: Path) -> None:
    (root / "dvc.lock").write_text("schema: '2.0'\n")
    (root / "params.yaml").write_text("seed: 1\n")
    (root / ".gitignore").write_text("*\n!.gitignore\n!params.yaml\n!scores\n!scores/*\n")
    run = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*run, *arguments], check=True)
    revision = subprocess.run(
        [*run, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    (root / "dvc.lock").write_text(f"stages: {{a: {{outs: [{{path: scores/{BOTH}.json}}]}}}}\n")
    (root / f"scores/{BOTH}.json").write_bytes((root / f"scores/{BOTH}.json").read_bytes() + b" ")
    unchanged = {
        "revision": revision,
        "changed": [],
        "dvc_lock": sha256(root / "dvc.lock"),
        "params": sha256(root / "params.yaml"),
    }
    assert source(root) == unchanged
    record = settle(root).record
    assert record.source == unchanged
    assert record.environment["packages"]["dvc"] == version("dvc")
    assert record.environment["processor"] == processor()
    (root / "params.yaml").write_text("seed: 2\n")
    assert source(root)["changed"] == ["params.yaml"]


@pytest.fixture
def again(root: Path) -> Callable[[], None]:
    """Puts the project back to where a better plan meets its champion."""
    poor_champion(root)
    better_plan(root)
    before = shutil.copytree(root / "registry", root.with_name("before"))

    def put_back() -> None:
        shutil.rmtree(root / "registry")
        shutil.copytree(before, root / "registry")

    return put_back


def whole_champion(root: Path, before: dict[str, bytes]) -> int:
    """The champion's number; bundles and records that were there are, too."""
    after, pointer = contents(root), "assistant/production.json"
    assert {path: after.get(path) for path in before.keys() - {pointer}} == {
        path: value for path, value in before.items() if path != pointer
    }
    champion = Registry(root).require("assistant")
    assert all(Registry(root).intact(digest) for digest in champion.bundles.values())
    return champion.number


def better_plan_wins_at_last(root: Path) -> None:
    assert settle(root).record.plan == "one-per-task"
    assert Registry(root).require("assistant").number == 2
    assert Registry(root).numbers("assistant") == [1, 2]
    assert not [p for p in (root / "registry").rglob(".*") if p.name != ".lock"]


def test_a_full_disk_at_any_step_leaves_the_champion_as_it_was(
    root: Path, again: Callable[[], None]
) -> None:
    before, refused = contents(root), 0
    for at in itertools.count():
        with Step(disk_full, at, NEEDS_SPACE) as step:
            message = refusal(root)
        if step.count <= at:
            break
        if message:
            refused += 1
            assert "No space left on device" in message
            assert "The champion and its bundles are as they were. Free some disk space" in message
        assert whole_champion(root, before) == (1 if message else 2)
        assert not [path for path in contents(root) if "partial" in path]
        better_plan_wins_at_last(root)
        again()
    assert refused > 25


def refusal(root: Path) -> str:
    """Why a promotion on a full disk failed; empty where it needed no more space."""
    try:
        settle(root)
    except PlaitError as error:
        return str(error)
    return ""


def test_a_kill_at_any_step_leaves_a_whole_champion(root: Path, again: Callable[[], None]) -> None:
    before, champions = contents(root), []

    def after() -> None:
        champions.append(whole_champion(root, before))
        better_plan_wins_at_last(root)
        again()

    assert killed_at_every_step(functools.partial(settle, root), after) > 40
    assert champions == sorted(champions)
    assert set(champions) == {1, 2}
    assert Service.load("assistant", root).champion.plan == "one-per-task"


def test_a_write_that_the_system_refuses_leaves_the_champion_as_it_was(root: Path) -> None:
    poor_champion(root)
    better_plan(root)
    before = contents(root)
    with pytest.raises(PlaitError, match="File too large"), file_size_limit(1000):
        settle(root)
    assert contents(root) == before
    assert settle(root).status == "promoted"


def test_a_copy_that_differs_is_thrown_away(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(source: Any, target: Any, length: int) -> None:
        target.write(source.read()[:-1])

    monkeypatch.setattr(shutil, "copyfileobj", short)
    with pytest.raises(PlaitError, match="the bundle changed while it was copied"):
        settle(root)
    assert contents(root) == {}


def test_promotions_at_the_same_time_are_one_promotion(root: Path) -> None:
    children = [os.fork() for _ in range(4)]
    if 0 in children:
        try:
            settle(root)
        finally:
            os._exit(0)
    for child in children:
        os.waitpid(child, 0)
    assert Registry(root).numbers("assistant") == [1]
    assert Service.load("assistant", root).champion.number == 1


def test_a_promotion_that_never_ends_is_not_waited_for_for_ever(root: Path) -> None:
    holds, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with Registry(root).lock():
            holds.set()
            let_go.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    assert holds.wait(10)
    with pytest.raises(PlaitError) as error, Registry(root).lock(seconds=0.1):
        pass
    let_go.set()
    other.join()
    assert "another act holds the registry for over 0.1 s" in str(error.value)


def test_an_altered_bundle_of_the_champion_is_brought_back(root: Path) -> None:
    digest = settle(root).record.bundles[BOTH]
    (root / "registry/bundles" / digest / "README.md").write_text("altered\n")
    assert settle(root).status == "unchanged"
    assert Registry(root).intact(digest)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("production.json", "{"),
        ("production.json", "{}"),
        ("production.json", "[]"),
        ("0001.json", "{}"),
    ],
)
def test_a_damaged_pointer_or_record_is_named(root: Path, name: str, text: str) -> None:
    settle(root)
    path = root / "registry/assistant" / name
    path.write_text(text)
    with pytest.raises(PlaitError) as error:
        settle(root)
    assert str(error.value).startswith(f"{path}: found ")
    assert "`plait registry verify` says how to mend it" in str(error.value)
