"""DVC's resolved graph: its stages in order, which of them changed, and how to run one."""

import json
import os
import re
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from plait.errors import PlaitError, did_you_mean
from plait.progress import LINES, PREFIX
from plait.running import durations, lock_files
from plait.running.events import Event, tell
from plait.running.processes import Processes

TELEMETRY_OFF = {
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
SHOWN_LINES = 20
ADVICE = (
    "To track the changes with git",
    "\tgit add",
    "To enable auto staging",
    "\tdvc config core.autostage",
    "Use `dvc push`",
    "Generating lock file",
    "Updating lock file",
    "Data and pipelines are up to date",
)
"""Beginnings of DVC's lines of advice, which are not shown."""
DISK_FULL = ("No space left on device", "Disk quota exceeded", "os error 28", "os error 122")
USER_MISTAKE = 2
"""Exit status of a stage that ended with a `PlaitError`."""


class Outcome(StrEnum):
    """What became of a stage: its command ran, DVC restored its outputs, or nothing changed."""

    RAN = "ran"
    RESTORED = "restored"
    UNCHANGED = "unchanged"


class StageCrashed(Exception):  # noqa: N818 - "crashed" is the word of the field
    """A stage ended without a `PlaitError`: it was killed, or it has a bug."""


@dataclass(frozen=True)
class Stage:
    """A node of DVC's graph.

    Attributes:
        address: DVC's name, such as `timings/dvc.yaml:timing@a`.
        name: the name to show: the address without its file, if no other stage has that name.
        upstream: addresses of the stages that it depends on.
        cores: cores that it keeps busy (`meta.cores`, default 1); 0 means all.
        alone: no other stage may run at the same time.
        gpu: it uses the GPU; one such stage runs at a time.
        outcome: its failure says that the run left something out (`meta.outcome`): the run ends as
            failed, but its results are there and actions go on.
        outs: its outputs.
        curves: those of them that DVC plots as values by step.
    """

    address: str
    name: str = ""
    upstream: tuple[str, ...] = ()
    cores: int = 1
    alone: bool = False
    gpu: bool = False
    outcome: bool = False
    outs: tuple[Path, ...] = ()
    curves: tuple[Path, ...] = ()

    @property
    def summaries(self) -> list[Path]:
        """Paths of its summaries, which may not exist: `summary.md` in each output."""
        return [out / "summary.md" for out in self.outs]


@dataclass(frozen=True)
class Graph:
    """The stages and their state in the workspace.

    Attributes:
        stages: address → stage, in topological order.
        changed: stages whose dependencies, outputs, command or parameters differ from dvc.lock. A
            stage downstream of them is included only if it differs itself.
        always: stages that DVC runs every time; before they have run, the state of stages that
            depend on them is unknown.
    """

    stages: Mapping[str, Stage]
    changed: frozenset[str]
    always: frozenset[str] = frozenset()

    def only(self, items: Collection[str]) -> "Graph":
        """The stages that are repeated for these items (`train@ITEM`), and what they depend on.

        Raises:
            PlaitError: no stage is repeated for an item.
        """
        known = {address.partition("@")[2] for address in self.stages if "@" in address}
        if wrong := [item for item in items if item not in known]:
            hints = [f"{item!r}{did_you_mean(item, sorted(known))}" for item in wrong]
            raise PlaitError(f"candidates: the graph has no {'; no '.join(hints)}")
        kept: set[str] = set(self.always)
        for address in reversed(list(self.stages)):
            if address.partition("@")[2] in items or address in kept:
                kept |= {address, *self.stages[address].upstream}
        return replace(self, stages={a: s for a, s in self.stages.items() if a in kept})


def read(folder: Path) -> Graph:
    """Read the graph of the DVC project in `folder`, the working folder of this process.

    Raises:
        PlaitError: DVC can't read the project; the message quotes DVC.
    """
    return _read(folder, lambda repo: repo.status())


def declared(folder: Path) -> Graph:
    """The graph as it is declared: as `read`, but nothing is looked up of what changed."""
    return _read(folder, lambda _repo: ())


def _read(folder: Path, status: Callable[[Any], Iterable[str]]) -> Graph:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(folder), _wait_for_lock=True) as repo:
            edges = repo.index.graph
            always = frozenset(node.addressing for node in edges if node.always_changed)
            return Graph(_stages(edges), frozenset(status(repo)) - always, always)
    except DvcException as error:
        raise PlaitError(f"{folder}: DVC can't read its graph: {error}") from error


def _stages(edges: Any) -> dict[str, Stage]:
    """The stages by address, in topological order; `edges` go from a stage to its dependencies."""
    names = _names([node.addressing for node in edges])
    stages = {
        node.addressing: _stage(node, names[node.addressing], edges.successors(node))
        for node in edges
    }
    order = TopologicalSorter({each: stages[each].upstream for each in sorted(stages)})
    return {address: stages[address] for address in order.static_order()}


def _names(addresses: Iterable[str]) -> dict[str, str]:
    """Address → name to show: `timing@a` for `timings/dvc.yaml:timing@a`, if that is unique."""
    short = {address: address.rpartition(":")[2] for address in addresses}
    count = Counter(short.values())
    return {address: name if count[name] == 1 else address for address, name in short.items()}


def _stage(node: Any, name: str, upstream: Iterable[Any]) -> Stage:
    meta = node.meta if isinstance(getattr(node, "meta", None), dict) else {}
    return Stage(
        address=node.addressing,
        name=name,
        upstream=tuple(sorted(each.addressing for each in upstream)),
        cores=int(meta.get("cores", 1)),
        alone=bool(meta.get("alone")),
        gpu=bool(meta.get("gpu")),
        outcome=bool(meta.get("outcome")),
        outs=tuple(Path(out.fs_path) for out in node.outs),
        curves=tuple(Path(out.fs_path) for out in node.outs if _by_step(out.plot)),
    )


def _by_step(plot: Any) -> bool:
    return isinstance(plot, dict) and (plot.get("x"), plot.get("y")) == ("step", "value")


def missing_outputs(folder: Path) -> list[str]:
    """Outputs in dvc.lock that the workspace lacks and a remote may have.

    Empty if no remote is configured.
    """
    from dvc.repo import Repo

    with Repo(str(folder), _wait_for_lock=True) as repo:
        if not repo.config["core"].get("remote"):
            return []
        return sorted(
            os.path.relpath(out.fs_path, folder)
            for out in repo.index.outs
            if out.use_cache and out.hash_info and not out.exists
        )


def pull(targets: list[str], processes: Processes, on_line: Callable[[str], None]) -> None:
    """Fetch outputs from the remote, as far as it has them; stages make the others later."""
    processes.run([*_dvc(), "pull", "--allow-missing", *targets], on_line, environment())


def environment() -> dict[str, str]:
    """The environment of a stage: this interpreter in PATH, progress lines, no telemetry."""
    return {
        **os.environ,
        **TELEMETRY_OFF,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
        LINES: "1",
    }


def _dvc() -> list[str]:
    return [sys.executable, "-P", "-m", "plait.running.dvc", "--wait-for-lock"]


def run_stage(
    address: str,
    processes: Processes,
    on_line: Callable[[str], None],
    on_progress: Callable[[Mapping[str, Any]], None],
    force: bool = False,
) -> Outcome:
    """Let DVC run one stage, without its dependencies, in a child process.

    Args:
        on_progress: receives the values that `plait.progress` prints.
        on_line: receives every other line of output.

    Raises:
        PlaitError: the stage ended with a user's mistake; the message quotes it.
        StageCrashed: the stage failed in another way.
        Stopped: the run was cancelled.
    """
    tail: deque[str] = deque(maxlen=500)

    def read_line(line: str) -> None:
        progress = _progress(line)
        if progress is not None:
            on_progress(progress)
        elif line and not line.startswith(ADVICE):
            tail.append(line)
            on_line(line)

    command = [*_dvc(), "repro", "--single-item", *(["--force"] if force else []), address]
    started = time.monotonic()
    status = processes.run(command, read_line, environment())
    while status and (found := lock_files.holders(tail)):
        _wait(address, found, processes)
        tail.clear()
        status = processes.run(command, read_line, environment())
    if status:
        raise _failure(address, status, list(tail))
    outcome = _outcome(address, tail)
    if outcome is Outcome.RAN:
        durations.record(durations.LEDGER, address, time.monotonic() - started)
    return outcome


def _wait(address: str, holders: Mapping[int, str], processes: Processes) -> None:
    """Wait for others that work on a stage's files, such as a person's `dvc repro`."""
    for pid, command in holders.items():
        text = f"{address}: waiting for process {pid} ({command}), which works on the same files"
        tell(Event("note", text=text))
    lock_files.wait_for(Path.cwd(), holders, processes.raise_if_stopped)


def run_always(folder: Path, processes: Processes) -> None:
    """Run the stages that DVC runs every time: only then does `read` see all that changed."""
    for address in sorted(read(folder).always):
        run_stage(address, processes, lambda _line: None, lambda _figures: None)


def require_current(folder: Path) -> None:
    """Check that every stage's outputs follow from the present data, parameters and code.

    Raises:
        PlaitError: some stages have changed since they ran.
    """
    with Processes(folder) as processes:
        run_always(folder, processes)
    found = read(folder)
    # A stage that only says what a run left out has no result that could be old.
    changed = sorted(each for each in found.changed if not found.stages[each].outcome)
    if changed:
        are = "stage is" if len(changed) == 1 else "stages are"
        raise PlaitError(
            f"{len(changed)} {are} not up to date ({', '.join(changed)}): what the last run left "
            "doesn't belong to the present data, parameters or code. Run `plait run` first."
        )


def _progress(line: str) -> Mapping[str, Any] | None:
    if not line.startswith(PREFIX):
        return None
    try:
        value: Mapping[str, Any] = json.loads(line.removeprefix(PREFIX))
    except ValueError:  # two processes of a stage wrote into one line
        return None
    return value


def _outcome(address: str, lines: "deque[str]") -> Outcome:
    if f"Stage '{address}' didn't change, skipping" in lines:
        return Outcome.UNCHANGED
    if any(line.startswith(f"Stage '{address}' is cached - skipping run") for line in lines):
        return Outcome.RESTORED
    return Outcome.RAN


def _failure(address: str, dvc_status: int, lines: list[str]) -> Exception:
    """A `PlaitError` if the stage reports one or DVC refuses to run it, else a `StageCrashed`."""
    found = re.search(r"exited with (-?\d+)$", lines[-1]) if lines else None
    began = [number for number, line in enumerate(lines) if line.startswith("> ")]
    said = lines[began[0] + 1 : -1] if began and found else lines
    status = int(found[1]) if found else None
    text = "\n".join(said[-SHOWN_LINES:])
    if status == USER_MISTAKE or (status is None and dvc_status > 0):
        return PlaitError(f"{address}: {text}")
    if any(words in text for words in DISK_FULL):
        return PlaitError(
            f"{address}: the disk is full, so the stage could not write ({said[-1]}). Free some "
            "space: `plait run` goes on from the last checkpoint. DVC removed the stage's old "
            f"outputs before it ran it; `dvc checkout {address}` brings them back meanwhile."
        )
    ending = f"exited with {status}" if status is not None else f"DVC exited with {dvc_status}"
    return StageCrashed(f"{address}: {ending}\n{text}")
