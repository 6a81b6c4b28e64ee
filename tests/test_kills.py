"""A kill at any moment leaves what stood there or what was to stand there, whole."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import torch

import small
from interruptions import in_child, killed, killed_at_every_step, killed_before
from plait import bundle
from plait.approaches.base import Approach, Resolved
from plait.approaches.linear import Linear
from plait.files import (
    atomic_folder,
    atomic_write,
    remove,
    restore,
    sweep,
    write_json,
    write_jsonl,
)
from plait.registry.store import Registry
from plait.running.processes import only_run
from plait.stages.train import train
from plait.training.checkpoints import State, Store
from projects import REPOSITORY

RUN = {"candidate": "this one"}


@dataclass
class Subject:
    """Something at `path` that `write` writes anew, other content for another value."""

    path: Path
    write: Callable[[int], None]
    read: Callable[[], object] = lambda: None

    def content(self) -> dict[str, bytes]:
        """What a reader finds, by name."""
        self.read()
        files = self.path.rglob("*") if self.path.is_dir() else [self.path]
        return {str(p): p.read_bytes() for p in files if p.is_file()}


def json_file(folder: Path) -> Subject:
    path = folder / "scores.json"
    return Subject(path, lambda value: write_json(path, {"value": value}))


def jsonl_file(folder: Path) -> Subject:
    path = folder / "rows.jsonl"
    return Subject(path, lambda value: write_jsonl(path, [value] * 5))


def plain_folder(folder: Path) -> Subject:
    path = folder / "prepared"

    def write(value: int) -> None:
        with atomic_folder(path) as made:
            (made / "inner").mkdir()
            (made / "inner" / f"{value}.txt").write_text(str(value))
            write_json(made / "facts.json", value)

    return Subject(path, write, partial(restore, path))


def a_bundle(folder: Path) -> Subject:
    models: list[tuple[Resolved, Approach]] = []
    for seed in range(2):
        made = small.candidate(f"tfidf-{seed}", [small.INTENT])
        rows = {"home": small.rows(seed, 2)}
        models.append((made, Linear.train(made, folder, rows, rows, folder)))
    path = folder / "bundle"

    def write(value: int) -> None:
        made, model = models[value]
        bundle.save(model, made, path)

    return Subject(path, write, lambda: bundle.load(path))


def a_checkpoint(folder: Path) -> Subject:
    store, module, optimizer = _training(folder)

    def write(value: int) -> None:
        torch.nn.init.constant_(module.weight, value)
        store.save_if_due(State(RUN, value), module, optimizer, main=True)

    def read() -> None:
        fresh = torch.nn.Linear(3, 2)
        state = store.resume(State(RUN), fresh, torch.optim.AdamW(fresh.parameters()))
        assert fresh.weight[0, 0] == state.step

    return Subject(folder / "last", write, read)


def the_best_weights(folder: Path) -> Subject:
    store, module, _ = _training(folder)

    def write(value: int) -> None:
        torch.nn.init.constant_(module.weight, value)
        store.save_best(module, main=True)

    return Subject(folder / "best", write, lambda: store.load_best(torch.nn.Linear(3, 2)))


def _training(folder: Path) -> tuple[Store, torch.nn.Linear, torch.optim.Optimizer]:
    module = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(module.parameters())
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return Store(folder, 0), module, optimizer


def a_registered_bundle(folder: Path) -> Subject:
    """An altered one, which its intact copy replaces."""
    registry, source = Registry(folder), folder / "model"
    write_json(source / "bundle.json", "intact")
    digest = bundle.digest(source)
    path = registry.folder / "bundles" / digest

    def write(value: int) -> None:
        with registry.lock():
            registry.add(source)
            if not value:
                (path / "bundle.json").write_text("altered")

    return Subject(path, write, lambda: registry.intact(digest))


SUBJECTS = {
    json_file: 6,
    jsonl_file: 6,
    plain_folder: 20,
    a_bundle: 20,
    a_registered_bundle: 12,
    a_checkpoint: 15,
    the_best_weights: 10,
}
"""What is written, and how many steps writing it takes at the least."""


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob(".*") if p.suffix in (".partial", ".old")]


@pytest.mark.parametrize(("make", "steps"), SUBJECTS.items())
def test_a_kill_at_any_step_leaves_the_old_or_the_new(
    make: Callable[[Path], Subject], steps: int, tmp_path: Path
) -> None:
    subject = make(tmp_path)
    subject.write(0)
    old = subject.content()
    subject.write(1)
    new = subject.content()
    subject.write(0)
    found = []

    def after() -> None:
        content = subject.content()
        assert content in (old, new)
        found.append(content == new)
        subject.write(0)
        assert subject.content() == old
        assert not leftovers(tmp_path)

    assert killed_at_every_step(partial(subject.write, 1), after) >= steps
    assert found == sorted(found)
    assert set(found) == {False, True}
    assert subject.content() == new


def test_a_kill_while_another_kill_is_mended_harms_nothing(tmp_path: Path) -> None:
    subject = plain_folder(tmp_path)
    subject.write(0)
    old = subject.content()
    subject.write(1)
    new = subject.content()
    tried = 0
    for at in range(40):
        for again in range(12):
            subject.write(0)
            first = killed_before(at, partial(subject.write, 1))
            aside = any(name.endswith(".old") for name in leftovers(tmp_path))
            if not (first and aside and killed_before(again, partial(restore, subject.path))):
                break
            tried += 1
            assert subject.content() in (old, new)
    subject.write(0)
    assert tried > 10
    assert not leftovers(tmp_path)


def test_the_half_of_what_a_kill_left_never_comes_back(tmp_path: Path) -> None:
    """DVC removes an output before its stage runs: what stood aside may then be put back."""
    subject = plain_folder(tmp_path)
    subject.write(0)
    old = subject.content()
    found = []

    def after() -> None:
        shutil.rmtree(subject.path, ignore_errors=True)
        found.append(subject.content())
        assert found[-1] in ({}, old)
        subject.write(0)

    killed_at_every_step(partial(subject.write, 1), after)
    assert {} in found
    assert old in found


def test_a_folder_is_removed_whole_or_not_at_all(tmp_path: Path) -> None:
    subject = plain_folder(tmp_path)
    subject.write(0)
    old = subject.content()

    def after() -> None:
        assert subject.content() in (old, {})
        assert not leftovers(tmp_path)
        subject.write(0)

    assert killed_at_every_step(partial(remove, subject.path), after) >= 5
    assert not subject.path.exists()


def test_checkpoints_of_a_finished_training_go_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of them would stop each later training of that candidate."""
    small.write_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    scratch = Path(".plait/checkpoints/tfidf-intent")

    def put_back(_: int = 0) -> None:
        for name in ("last/state.json", "last/model.safetensors", "best/model.safetensors"):
            write_json(scratch / name, name)

    put_back()
    kept = Subject(scratch, put_back, partial(restore, scratch))
    whole = kept.content()

    def after() -> None:
        assert kept.content() in (whole, {})
        put_back()

    assert killed_at_every_step(partial(train, "tfidf-intent"), after) > 25
    assert not list(scratch.parent.iterdir())


def test_everything_is_on_the_disk_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = plain_folder(tmp_path)
    subject.write(0)
    seen: list[object] = []
    fsync, rename = os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda d: (seen.append(os.fstat(d).st_ino), fsync(d)))
    monkeypatch.setattr(os, "rename", lambda a, b: (seen.append(Path(b)), rename(a, b)))
    subject.write(1)
    placed = seen.index(subject.path)
    written = {p.stat().st_ino for p in [subject.path, *subject.path.rglob("*")]}
    assert written <= set(seen[:placed])
    doomed = tmp_path / f".prepared.{os.getpid()}.partial"
    names = tmp_path.stat().st_ino
    assert seen[placed + 1 :] == [names, doomed, names]
    write_json(tmp_path / "one.json", 1)
    assert seen[-2:] == [(tmp_path / "one.json").stat().st_ino, tmp_path.stat().st_ino]


@pytest.mark.parametrize(
    "number", [os.getpid(), os.getppid(), 2**22 + 1], ids=["ours", "our parent's", "nobody's"]
)
def test_the_number_in_a_name_does_not_say_who_lives(number: int, tmp_path: Path) -> None:
    """Ours, another living process's, no one's: their writers are all dead."""
    for name in (f".last.{number}.old", f".last.{number}.partial", f".best.{number}.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "state.json").write_text(name)
    (tmp_path / f".scores.json.{number}.partial").write_text("{")
    restore(tmp_path / "last")
    assert (tmp_path / "last" / "state.json").read_text() == f".last.{number}.old"
    assert len(leftovers(tmp_path)) == 2
    sweep(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"last", "best"}


def test_what_a_living_process_writes_is_left_alone(tmp_path: Path) -> None:
    subject = plain_folder(tmp_path)
    subject.write(0)
    old = subject.content()
    with atomic_folder(subject.path) as made, atomic_write(tmp_path / "one.json") as stream:
        (made / "new.txt").write_text("new")
        stream.write(b"1")
        before = leftovers(tmp_path)
        in_child(partial(sweep, tmp_path))
        sweep(tmp_path)
        assert leftovers(tmp_path) == before
        assert len(before) == 2
        assert subject.content() == old
    assert {p.name for p in subject.path.iterdir()} == {"new.txt"}
    assert (tmp_path / "one.json").read_text() == "1"
    assert not leftovers(tmp_path)


@pytest.mark.parametrize(("where", "name"), [(Path, "mkdir"), (os, "open")])
def test_a_sweep_between_making_and_holding_is_noticed(
    where: object, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, swept = getattr(where, name), []

    def then_swept(path: Path, *arguments: object, **options: object) -> object:
        result = original(path, *arguments, **options)
        if str(path).endswith(".partial") and not swept:
            swept.append(path)
            sweep(tmp_path)
            assert not path.exists()
        return result

    monkeypatch.setattr(where, name, then_swept)
    subject = plain_folder(tmp_path)
    subject.write(1)
    assert swept
    assert len(subject.content()) == 2


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    others = {".notes.2024.old", ".env.old", "data.12.partial", ".a.b.partial"}
    for name in (*others, ".last.1.partial", ".last.best.1.partial"):
        (tmp_path / name).write_text("")
    restore(tmp_path / "best")
    assert len(list(tmp_path.iterdir())) == 6
    restore(tmp_path / "last")
    assert {p.name for p in tmp_path.iterdir()} == {*others, ".last.best.1.partial"}
    sweep(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == others


def test_held_out_rows_that_a_kill_leaves_are_ignored_and_swept(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes((REPOSITORY / ".gitignore").read_bytes())

    def killed_writing() -> None:
        with atomic_folder(tmp_path / "heldout") as folder:
            (folder / "rows.jsonl").write_text("a row\n")
            with atomic_write(tmp_path / "scores" / "a.json") as stream:
                stream.write(b"{")
                killed()

    assert in_child(killed_writing)
    left = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob(".*.partial")}
    assert len(left) == 2
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    command = [*git, "status", "--porcelain", "--ignored", "--untracked-files=all"]
    status = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    ignored = {line.removesuffix("/rows.jsonl").rstrip("/") for line in status.splitlines()}
    assert ignored == {"?? .gitignore", *(f"!! {name}" for name in left)}
    with only_run(tmp_path, lambda: pytest.fail("nobody else runs")):
        assert not list(tmp_path.glob(".heldout*"))
